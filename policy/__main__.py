"""The policy pack that `pulumi preview --policy-pack policy` starts."""

from house_rules.pack import start

start()
