"""HTTPS at home: what the family's authority may sign, the album's address, and what the doctor sees."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from example_stack import changed, container, declare_stack, example, outputs_of, secret_keys, sections
from fake_host import FakeHost

from components.home_authority import fingerprint, new_authority
from components.services.https import HttpsArgs, HttpsConfig, caddyfile
from stacks.config import parse
from stacks.host import home_names

HTTPS = {"bind": "192.168.1.5"}
ORIGINS = {"photoprism": "http://photoprism:2342", "drive": "http://drive:5244"}


def declared(https: dict[str, Any], more: dict[str, Any] | None = None, name: str = "dev") -> Any:
    return declare_stack(changed(example(name), {"services.https": https, **(more or {})}), name)


def site_url(recorder: Any) -> str:
    variables = dict(item.split("=", 1) for item in container(recorder, "photoprism")["envs"] if isinstance(item, str))
    return variables["PHOTOPRISM_SITE_URL"]


def signed(name: x509.GeneralName, authority: str, key: str) -> tuple[bytes, bytes]:
    """Return a certificate for `name` by the authority, with its key."""
    own, issuer = ec.generate_private_key(ec.SECP256R1()), x509.load_pem_x509_certificate(authority.encode())
    signer = serialization.load_pem_private_key(key.encode(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "test")]))
        .issuer_name(issuer.subject)
        .public_key(own.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([name]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate.public_bytes(pem), own.private_bytes(pem, *plain)


def is_accepted(name: str, general: x509.GeneralName, folder: Path) -> bool:
    """Whether a phone that trusts the family's authority accepts a certificate that it signed for `name`."""
    authority, key = new_authority()
    (folder / "leaf").write_bytes(b"".join(signed(general, authority, key)))
    server_side, phone = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context(cadata=authority)
    server_side.load_cert_chain(folder / "leaf")
    to_server, to_phone = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = phone.wrap_bio(to_phone, to_server, server_hostname=name)
    server = server_side.wrap_bio(to_server, to_phone, server_side=True)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError:
                return False
    return client.cipher() is not None


@pytest.mark.parametrize("name", ["photos.local", "drive.local", "nas.lan", "photos.home.arpa", "localhost"])
def test_the_authority_counts_for_names_at_home(name: str, tmp_path: Path) -> None:
    assert is_accepted(name, x509.DNSName(name), tmp_path)


@pytest.mark.parametrize("name", ["bank.example.com", "google.com", "local.example.com", "notlocal"])
def test_whoever_steals_it_is_nobody_on_the_internet(name: str, tmp_path: Path) -> None:
    assert not is_accepted(name, x509.DNSName(name), tmp_path)


@pytest.mark.parametrize(("address", "counts"), [("192.168.1.5", True), ("fd12::5", True), ("8.8.8.8", False)])
def test_the_authority_counts_for_addresses_at_home(address: str, counts: bool, tmp_path: Path) -> None:
    assert is_accepted(address, x509.IPAddress(ip_address(address)), tmp_path) is counts


def test_each_family_has_an_authority_of_its_own_that_lasts() -> None:
    (one, _), (other, _) = new_authority(), new_authority()
    certificate = x509.load_pem_x509_certificate(one.encode())

    assert fingerprint(one) != fingerprint(other)
    assert len(fingerprint(one).split(":")) == 32
    assert certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=7000)
    assert certificate.subject.rfc4514_string().startswith("CN=Photos at home ")


def test_the_album_lives_at_its_name_at_home() -> None:
    recorder = declared(HTTPS)

    assert site_url(recorder) == "https://photos.local/"
    assert outputs_of(changed(example("dev"), {"services.https": HTTPS}), "dev")["album_url"] == "https://photos.local/"
    assert container(recorder, "photoprism")["ports"][0]["ip"] == "127.0.0.1", "the plain port stays closed to the LAN"


def test_another_port_stands_in_the_address() -> None:
    assert site_url(declared({**HTTPS, "port": 8443})) == "https://photos.local:8443/"


def test_a_name_on_the_internet_is_the_albums_address_before_the_one_at_home() -> None:
    assert site_url(declare_stack(example("home"), "home")) == "https://photos.example.com/"


def test_what_has_no_name_here_is_not_reached_from_the_edge() -> None:
    def networks(names: dict[str, str]) -> list[str]:
        return [each["name"] for each in container(declared({**HTTPS, "names": names}), "drive")["networksAdvanced"]]

    assert networks({"photos.local": "photoprism"}) == ["photos-dev-apps"]
    assert networks({"photos.local": "photoprism", "d.local": "drive"}) == ["photos-dev-apps", "photos-dev-edge"]


def test_a_service_with_two_names_is_one_site_and_the_album_has_the_address() -> None:
    names = {"photos.local": "photoprism", "drive.local": "drive", "x.lan": "photoprism"}
    config = HttpsConfig(bind=("192.168.1.5",), names=names)
    text = caddyfile(HttpsArgs(config=config, ca_cert="", ca_key="", origins=ORIGINS))

    assert "\nhttps://photos.local, https://x.lan, https://192.168.1.5 {\n" in text
    assert "\nhttps://drive.local {\n" in text
    assert text.count("reverse_proxy") == 2
    assert config.url_of("photoprism") == "https://photos.local/"
    assert config.url_of("syncthing") is None


def test_the_key_of_the_authority_is_a_file_and_nothing_else() -> None:
    inputs = container(declared(HTTPS), "https")
    files = {upload["file"] for upload in inputs["uploads"] if "https_ca_key" in upload["content"]}

    assert files == {"/run/secrets/https_ca_key", "/etc/caddy/Caddyfile"}, "the second one names it"
    assert inputs.get("volumes") is None
    assert "canary-of-https_ca_key" not in next(
        upload["content"] for upload in inputs["uploads"] if upload["file"] == "/etc/caddy/Caddyfile"
    )


@pytest.fixture(name="lan")
def what_the_lan_answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    answers: dict[str, list[str]] = {}
    monkeypatch.setattr(home_names, "addresses_of", lambda name: answers.get(name, []))
    monkeypatch.setattr(home_names, "in_wsl", lambda _: False)
    nic = {"eth0": [SimpleNamespace(address="192.168.1.5")]}
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: nic)
    return answers


def findings(host: FakeHost, changes: dict[str, Any]) -> list[str]:
    values = host.config(changes)
    secret = {key.removeprefix("photos:") for key in secret_keys(values)} & sections(values).keys()
    config = parse("dev", sections(values), secret_keys=secret)
    return [f"{finding.level}: {finding}" for finding in home_names.check_home_names(config)]


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ([], "warning: photos.local: is not found from here"),
        (["192.168.1.9"], "warning: photos.local: is 192.168.1.9, which is not this machine"),
        (["192.168.1.5"], "ok: photos.local: is 192.168.1.5"),
    ],
)
def test_the_doctor_says_whether_the_name_leads_here(
    host: FakeHost, lan: dict[str, list[str]], answers: list[str], says: str
) -> None:
    lan["photos.local"] = answers

    (line,) = findings(host, {"services.https": {"bind": "127.0.0.1"}})
    assert line.startswith(says)


def test_the_doctor_says_that_logins_are_plain_text_beside_https(host: FakeHost, lan: dict[str, list[str]]) -> None:
    lan["photos.local"] = ["192.168.1.5"]
    changes = {"services.https": {"bind": "127.0.0.1"}, "services.photoprism.bind": "192.168.1.5"}

    _, line = findings(host, changes)
    assert line.startswith("warning: config photos:services.photoprism.bind: the album also answers without encryption")
    assert "http://192.168.1.5:12343/" in line


def test_without_https_the_doctor_looks_nothing_up(host: FakeHost, lan: dict[str, list[str]]) -> None:
    assert lan == {}
    assert findings(host, {}) == []


def test_a_real_lookup_answers_and_an_unknown_name_is_nothing() -> None:
    assert home_names.addresses_of("localhost") == ["127.0.0.1"]
    assert home_names.addresses_of("nobody.invalid") == []
