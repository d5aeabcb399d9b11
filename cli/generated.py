"""Make the secrets that data depends on, once. They live in the stack file, encrypted, and outlive `destroy`."""

from __future__ import annotations

import secrets
import string
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from components.home_authority import as_pem, new_authority

PASSWORD_LENGTH = 24
TWENTY_YEARS = timedelta(days=20 * 365)


def password() -> str:
    """Return a random password of letters and digits, 24 long (142 bits)."""
    alphabet = string.ascii_letters + string.digits
    return "".join(secrets.choice(alphabet) for _ in range(PASSWORD_LENGTH))


def syncthing_identity() -> tuple[str, str]:
    """Return certificate and key (PEM) of a new Syncthing device.

    Peers know a device by the hash of its certificate and ask for the name "syncthing" in it
    (syncthing/syncthing, lib/tlsutil and lib/connections/service.go).
    """
    key = ec.generate_private_key(ec.SECP384R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "syncthing")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + TWENTY_YEARS)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("syncthing")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return as_pem(certificate, key)


IDENTITIES = {
    ("syncthing_cert", "syncthing_key"): syncthing_identity,
    ("https_ca_cert", "https_ca_key"): new_authority,
}
"""Certificate and key, which are of use together alone."""


def half_lost(absent: list[str]) -> dict[str, str]:
    """Return, of each identity that is half among the secrets `absent`, the missing secret → the one that is left."""
    lost = {}
    for names in IDENTITIES:
        missing = [name for name in names if name in absent]
        if len(missing) == 1:
            lost[missing[0]] = next(name for name in names if name not in absent)
    return lost


def values_for(keys: list[str]) -> dict[str, str]:
    """Return a fresh value for each flat secret of `keys`, which hold identities whole."""
    values = {key: password() for key in keys}
    for names, identity in IDENTITIES.items():
        if values.keys() & set(names):
            values |= dict(zip(names, identity(), strict=True))
    return {name: values[name] for name in keys}
