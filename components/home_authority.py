"""The family's own authority for HTTPS at home: what it may sign for, and how a person knows it again.

Phones trust it as they trust those of the internet, so its certificate names what it counts for, names and addresses at
home alone: whoever steals the key is no bank (RFC 5280, 4.2.1.10).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOME_DOMAINS = ("local", "lan", "home", "internal", "home.arpa")
"""Names that nobody has on the internet: RFC 6762, RFC 8375 and those that ICANN keeps free."""
HOME_NETWORKS = (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "fc00::/7", "fe80::/10",
)  # fmt: skip
YEARS = timedelta(days=20 * 365)


def new_authority() -> tuple[str, str]:
    """Return certificate and key (PEM) of a new authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    serial = x509.random_serial_number()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Photos at home {serial % 0x10000:04x}")])
    now = datetime.now(UTC)
    at_home = [
        *(x509.DNSName(domain) for domain in ("localhost", *HOME_DOMAINS)),
        *(x509.IPAddress(ip_network(network)) for network in HOME_NETWORKS),
    ]
    other_usages = dict.fromkeys(
        (
            "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
            "encipher_only", "decipher_only",
        ),
        False,
    )  # fmt: skip
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + YEARS)
        # Caddy puts one authority of its own between this one and a certificate.
        .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        .add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **other_usages), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.NameConstraints(permitted_subtrees=at_home, excluded_subtrees=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return as_pem(certificate, key)


def as_pem(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> tuple[str, str]:
    """Return a certificate and its key as text."""
    return (
        certificate.public_bytes(serialization.Encoding.PEM).decode(),
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
    )


def fingerprint(certificate: str) -> str:
    """Return the SHA-256 of a certificate (PEM) as phones show it: pairs of hex digits with colons."""
    return x509.load_pem_x509_certificate(certificate.encode()).fingerprint(hashes.SHA256()).hex(":").upper()
