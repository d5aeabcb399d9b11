"""What we declare of Cloudflare, without loading the rest of its SDK.

`import pulumi_cloudflare` runs an `__init__` that loads 330 modules for our seven: 2.5 s and 93 MB in every `preview`.
Each of its modules can be imported alone (0.8 s and 54 MB), if only the package does not run its `__init__` first.
So the package is put in place without having run it. It still does as soon as anyone asks it for a name that is none of
its modules: a program that uses this and `import pulumi_cloudflare` sees the whole SDK, and the same classes.
What stays undone until then is the table by which Pulumi makes resources of references in another component's outputs.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

SDK = "pulumi_cloudflare"


def _put_in_place() -> None:
    spec = find_spec(SDK)
    if spec is None:
        raise ModuleNotFoundError(SDK, name=SDK)
    package = module_from_spec(spec)
    package.__dict__["__getattr__"] = lambda name: _missing(package, name)
    sys.modules[SDK] = package


def _missing(package: ModuleType, name: str) -> Any:
    """Return what the package lacks as long as its `__init__` has not run: one of its modules, or what that brings."""
    if find_spec(f"{SDK}.{name}"):
        return import_module(f"{SDK}.{name}")
    if name.startswith("__") and name != "__all__":
        raise AttributeError(name)  # what tools ask any module for
    del package.__dict__["__getattr__"]
    assert package.__spec__
    assert package.__spec__.loader
    package.__spec__.loader.exec_module(package)
    return getattr(package, name)


if SDK not in sys.modules:
    _put_in_place()

from pulumi_cloudflare.dns_record import DnsRecord  # noqa: E402 - the package has to be in place
from pulumi_cloudflare.provider import Provider, ProviderArgs  # noqa: E402
from pulumi_cloudflare.zero_trust_access_application import (  # noqa: E402
    ZeroTrustAccessApplication,
    ZeroTrustAccessApplicationArgs,
)
from pulumi_cloudflare.zero_trust_access_policy import (  # noqa: E402
    ZeroTrustAccessPolicy,
    ZeroTrustAccessPolicyIncludeArgs,
    ZeroTrustAccessPolicyIncludeEmailArgs,
    ZeroTrustAccessPolicyIncludeEmailDomainArgs,
    ZeroTrustAccessPolicyIncludeGroupArgs,
    ZeroTrustAccessPolicyIncludeServiceTokenArgs,
)
from pulumi_cloudflare.zero_trust_access_service_token import ZeroTrustAccessServiceToken  # noqa: E402
from pulumi_cloudflare.zero_trust_tunnel_cloudflared import ZeroTrustTunnelCloudflared  # noqa: E402
from pulumi_cloudflare.zero_trust_tunnel_cloudflared_config import (  # noqa: E402
    ZeroTrustTunnelCloudflaredConfig,
    ZeroTrustTunnelCloudflaredConfigConfigArgs,
    ZeroTrustTunnelCloudflaredConfigConfigIngressArgs,
    ZeroTrustTunnelCloudflaredConfigConfigIngressOriginRequestAccessArgs,
    ZeroTrustTunnelCloudflaredConfigConfigIngressOriginRequestArgs,
)

__all__ = [
    "DnsRecord",
    "Provider",
    "ProviderArgs",
    "ZeroTrustAccessApplication",
    "ZeroTrustAccessApplicationArgs",
    "ZeroTrustAccessPolicy",
    "ZeroTrustAccessPolicyIncludeArgs",
    "ZeroTrustAccessPolicyIncludeEmailArgs",
    "ZeroTrustAccessPolicyIncludeEmailDomainArgs",
    "ZeroTrustAccessPolicyIncludeGroupArgs",
    "ZeroTrustAccessPolicyIncludeServiceTokenArgs",
    "ZeroTrustAccessServiceToken",
    "ZeroTrustTunnelCloudflared",
    "ZeroTrustTunnelCloudflaredConfig",
    "ZeroTrustTunnelCloudflaredConfigConfigArgs",
    "ZeroTrustTunnelCloudflaredConfigConfigIngressArgs",
    "ZeroTrustTunnelCloudflaredConfigConfigIngressOriginRequestAccessArgs",
    "ZeroTrustTunnelCloudflaredConfigConfigIngressOriginRequestArgs",
]
