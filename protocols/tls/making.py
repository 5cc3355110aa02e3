"""Makes a CA and the server certificates it signs (pure: the times are passed in).

EC P-256 with SHA-256: every TLS library of the last ten years speaks it. Times are microseconds
UTC and come out to the second.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NO_USE: Final = dict.fromkeys(
    (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ),
    False,
)


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate with its private key, which is never shown."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    def pem(self) -> bytes:
        """Return the certificate and the private key as PEM; keep it where only you can read."""
        return self.public() + self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    def public(self) -> bytes:
        """Return the certificate alone as PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def make_authority(name: str, begin: int, end: int) -> Pair:
    """Return a CA of its own; each has a subject of its own too, so that none is taken for another.

    `name` at most 40 characters.
    """
    key, serial = ec.generate_private_key(ec.SECP256R1()), x509.random_serial_number()
    subject = _named(f"{name} CA {serial:x}"[:64])
    usage = x509.KeyUsage(**(_NO_USE | {"key_cert_sign": True, "crl_sign": True}))
    made = (
        x509.CertificateBuilder(issuer_name=subject, subject_name=subject, serial_number=serial)
        .public_key(key.public_key())
        .not_valid_before(_moment(begin))
        .not_valid_after(_moment(end))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Pair(made, key)


def make_server(authority: Pair, names: Sequence[str], begin: int, end: int) -> Pair:
    """Return a server certificate for `names` (host names and IP addresses), the first foremost.

    It never outlasts its CA.
    """
    key, above = ec.generate_private_key(ec.SECP256R1()), authority.certificate
    usage = x509.KeyUsage(**(_NO_USE | {"digital_signature": True}))
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    made = (
        x509.CertificateBuilder(
            issuer_name=above.subject,
            subject_name=_named(names[0]),
            serial_number=x509.random_serial_number(),
        )
        .public_key(key.public_key())
        .not_valid_before(max(_moment(begin), above.not_valid_before_utc))
        .not_valid_after(min(_moment(end), above.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general(n) for n in names]), critical=False)
        .add_extension(issuer, critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return Pair(made, key)


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _moment(microseconds: int) -> datetime:
    return (_EPOCH + timedelta(microseconds=microseconds)).replace(microsecond=0)
