"""Made secrets: letters and digits, never twice the same, and one certificate for its key."""

from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from cli import generated
from stacks.sections.flat_secrets import PEM_SECRETS, flat_secrets
from stacks.sections.passwords import KNOWN_PASSWORDS, password_problem


def test_passwords_are_letters_and_digits_of_the_promised_length_and_never_repeat() -> None:
    made = [generated.password() for _ in range(500)]

    assert {len(word) for word in made} == {generated.PASSWORD_LENGTH}
    assert set("".join(made)) == set(string.ascii_letters + string.digits)
    assert len(set(made)) == len(made)


def test_every_made_value_passes_the_check_of_the_stack_file() -> None:
    made = generated.values_for(sorted(flat_secrets()))

    assert set(made) == flat_secrets()
    assert len(set(made.values())) == len(made)
    for name in flat_secrets() - PEM_SECRETS:
        assert password_problem(made[name]) is None
        assert made[name].lower() not in KNOWN_PASSWORDS
    assert all(made[name].startswith("-----BEGIN ") for name in PEM_SECRETS)


@pytest.mark.parametrize("keys", [[], ["syncthing_key", "syncthing_cert"], ["drive_admin_password"]])
def test_only_what_was_asked_for_is_made_in_that_order(keys: list[str]) -> None:
    assert list(generated.values_for(keys)) == keys


@pytest.mark.parametrize(
    ("absent", "lost"),
    [
        (["syncthing_cert"], {"syncthing_cert": "syncthing_key"}),
        (["https_ca_key", "drive_admin_password"], {"https_ca_key": "https_ca_cert"}),
        (["syncthing_cert", "syncthing_key"], {}),
        ([], {}),
    ],
)
def test_half_an_identity_is_named_with_the_half_that_is_left(absent: list[str], lost: dict[str, str]) -> None:
    assert generated.half_lost(absent) == lost


def test_a_syncthing_device_has_its_name_its_own_key_and_years_to_live() -> None:
    text, key_text = generated.syncthing_identity()
    certificate = x509.load_pem_x509_certificate(text.encode())
    key = load_pem_private_key(key_text.encode(), None)

    assert certificate.subject == certificate.issuer
    assert certificate.subject.rfc4514_string() == "CN=syncthing"
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["syncthing"]
    assert certificate.public_key() == key.public_key()
    assert certificate.not_valid_before_utc < datetime.now(UTC) < certificate.not_valid_after_utc - timedelta(days=7000)
    assert generated.syncthing_identity()[0] != text
