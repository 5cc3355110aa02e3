"""Reads certificates and private keys as people hand them over: PEM files (pure).

Whatever is in such a file, it is read or refused by a code; a refusal never repeats its content.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from protocols.errors import FengsuiError
from protocols.tls.making import Pair

LARGEST: Final = 256 * 1024
"""Bytes of a PEM file; a chain of ten is a tenth of that."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class CertificateUnreadable(FengsuiError):
    """There is no certificate in it, or one that is damaged."""

    code = "TLS_CERTIFICATE_UNREADABLE"


class KeyUnreadable(FengsuiError):
    """There is no private key in it, or one that a password protects."""

    code = "TLS_KEY_UNREADABLE"


class KeyOther(FengsuiError):
    """The private key belongs to another certificate."""

    code = "TLS_KEY_OTHER"


def read_certificates(pem: bytes) -> tuple[x509.Certificate, ...]:
    """Return every certificate, in the order of the file. Raises CertificateUnreadable."""
    try:
        found = tuple(x509.load_pem_x509_certificates(pem[:LARGEST]))
        for each in found:
            _ = each.not_valid_after_utc, each.subject, each.extensions, each.public_key()
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension) as exc:
        raise CertificateUnreadable from exc
    return found


def read_key(pem: bytes) -> PrivateKeyTypes:
    """Return the private key. Raises KeyUnreadable."""
    try:
        return serialization.load_pem_private_key(pem[:LARGEST], password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise KeyUnreadable from exc


def must_fit(certificate: x509.Certificate, key: PrivateKeyTypes) -> None:
    """Raise KeyOther unless `key` is the certificate's."""
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    if certificate.public_key().public_bytes(*form) != key.public_key().public_bytes(*form):
        raise KeyOther


def read_pair(pem: bytes) -> Pair:
    """Return what `Pair.pem` wrote. Raises CertificateUnreadable, KeyUnreadable or KeyOther."""
    certificate, key = read_certificates(pem)[0], read_key(pem)
    must_fit(certificate, key)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise KeyUnreadable
    return Pair(certificate, key)


def span(certificate: x509.Certificate) -> tuple[int, int]:
    """Return from when to when it holds, microseconds UTC."""
    return _micro(certificate.not_valid_before_utc), _micro(certificate.not_valid_after_utc)


def names(certificate: x509.Certificate) -> frozenset[str]:
    """Return the host names and addresses it is for."""
    try:
        held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    addresses = held.get_values_for_type(x509.IPAddress)
    return frozenset((*held.get_values_for_type(x509.DNSName), *map(str, addresses)))


def fingerprint(certificate: x509.Certificate) -> str:
    """Return the SHA-256 of the certificate in hex."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def as_pem(certificates: Iterable[x509.Certificate]) -> tuple[str, ...]:
    """Return each as PEM text."""
    form = serialization.Encoding.PEM
    return tuple(each.public_bytes(form).decode() for each in certificates)


def issued(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether `authority` signed it."""
    try:
        certificate.verify_directly_issued_by(authority)
    except Exception:  # noqa: BLE001  # several kinds, and one answer: no
        return False
    return True


def _micro(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
