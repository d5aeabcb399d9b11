"""Cloudflare's SDK is loaded in part and works as a whole. Each test has a Python of its own: modules stay loaded."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from components import cloudflare_sdk

PROJECT = Path(__file__).parents[2]
LOADED = {
    "_inputs",
    "_utilities",
    "outputs",
    "dns_record",
    "provider",
    "zero_trust_access_application",
    "zero_trust_access_policy",
    "zero_trust_access_service_token",
    "zero_trust_tunnel_cloudflared",
    "zero_trust_tunnel_cloudflared_config",
}
PROGRAM = """
import sys, warnings
warnings.simplefilter("ignore")
def loaded(): return sorted(name[18:] for name in sys.modules if name.startswith("pulumi_cloudflare."))
"""


def printed(*lines: str) -> str:
    """Return what a Python of its own prints."""
    program = PROGRAM + "\n".join(lines)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_only_the_modules_of_what_we_declare_are_loaded() -> None:
    names = printed("import components.cloudflare_sdk", "print(*loaded())")

    assert set(names.split()) == LOADED, "the rest costs seconds"


def test_who_asks_the_package_for_a_name_gets_the_whole_sdk_and_the_same_classes() -> None:
    text = printed(
        "from components import cloudflare_sdk as ours",
        "import pulumi_cloudflare as cloudflare",
        "print(hasattr(cloudflare, '__wrapped__'), len(loaded()) < 20)",
        "print(cloudflare.Zone.__name__, cloudflare.DnsRecord is ours.DnsRecord, len(loaded()) > 200)",
        "from pulumi_cloudflare import R2Bucket",
        "print(cloudflare.config.__name__)",
    )

    assert text.splitlines() == ["False True", "Zone True True", "pulumi_cloudflare.config"]


def test_a_star_import_brings_the_whole_sdk() -> None:
    assert (
        printed("import components.cloudflare_sdk", "from pulumi_cloudflare import *", "print(Zone.__name__)") == "Zone"
    )


def test_a_program_that_imported_the_sdk_before_keeps_its_own() -> None:
    text = printed(
        "import pulumi_cloudflare as cloudflare",
        "from components import cloudflare_sdk as ours",
        "print(cloudflare is sys.modules['pulumi_cloudflare'], cloudflare.DnsRecord is ours.DnsRecord)",
    )

    assert text == "True True"


def test_a_name_that_no_sdk_has_is_an_attribute_error() -> None:
    text = printed(
        "import components.cloudflare_sdk, pulumi_cloudflare", "print(hasattr(pulumi_cloudflare, 'Nothing'))"
    )

    assert text == "False"


def test_a_resource_is_registered_with_the_type_and_the_version_of_the_sdk() -> None:
    text = printed(
        "import pulumi",
        "from pulumi.runtime.mocks import MockMonitor, Mocks",
        "from components import cloudflare_sdk as cloudflare",
        "class Nothing(Mocks):",
        "    def call(self, args): return {}",
        "    def new_resource(self, args): return 'id', args.inputs",
        "class Monitor(MockMonitor):",
        "    def RegisterResource(self, request):",
        "        print(request.type, request.version, dict(request.object).get('proxied'))",
        "        return super().RegisterResource(request)",
        "import asyncio; asyncio.set_event_loop(asyncio.new_event_loop())",
        "mocks = Nothing()",
        "pulumi.runtime.set_mocks(mocks, monitor=Monitor(mocks))",
        "@pulumi.runtime.test",
        "def program(): cloudflare.DnsRecord('r', zone_id='z', name='n', type='CNAME', ttl=1, proxied=True)",
        "program()",
    )

    assert f"cloudflare:index/dnsRecord:DnsRecord {version('pulumi-cloudflare')} True" in text


@pytest.mark.parametrize("name", cloudflare_sdk.__all__)
def test_every_name_is_what_the_sdk_means_by_it(name: str) -> None:
    import pulumi_cloudflare  # noqa: PLC0415 - seconds

    assert getattr(cloudflare_sdk, name) is getattr(pulumi_cloudflare, name)
