"""Ed25519 (RFC 8032) by libsodium where its wheel is to be had, by OpenSSL elsewhere.

Both make the same signatures and accept every honest one. libsodium takes about half the time, and
a signature is most of what proving costs a request. On 32-bit ARM there is no wheel of it.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

try:
    import nacl.bindings as sodium
    import nacl.exceptions
except ImportError:  # pragma: no cover - depends on the machine
    sodium = None  # type: ignore[assignment]

Signing: TypeAlias = Callable[[bytes], bytes]
Fitting: TypeAlias = Callable[[bytes, bytes], bool]

SIGNATURE_BYTES: Final = 64


def signing(private: Ed25519PrivateKey) -> Signing:
    """Return what signs with `private`: 64 bytes for any data."""
    return signing_by_openssl(private) if sodium is None else signing_by_sodium(private)


def fitting(raw: bytes) -> Fitting:
    """Return what says whether a signature fits some data, for a public key of 32 bytes."""
    return fitting_by_openssl(raw) if sodium is None else fitting_by_sodium(raw)


def signing_by_openssl(private: Ed25519PrivateKey) -> Signing:
    """Return what signs with OpenSSL."""
    return private.sign


def fitting_by_openssl(raw: bytes) -> Fitting:
    """Return what compares with OpenSSL."""
    key = Ed25519PublicKey.from_public_bytes(raw)

    def fits(signature: bytes, data: bytes) -> bool:
        try:
            key.verify(signature, data)
        except InvalidSignature:
            return False
        return True

    return fits


def signing_by_sodium(private: Ed25519PrivateKey) -> Signing:
    """Return what signs with libsodium."""
    secret = private.private_bytes_raw() + private.public_key().public_bytes_raw()
    sign = sodium.crypto_sign

    def signature(data: bytes) -> bytes:
        signed: bytes = sign(data, secret)
        return signed[:SIGNATURE_BYTES]

    return signature


def fitting_by_sodium(raw: bytes) -> Fitting:
    """Return what compares with libsodium."""
    check, unfit = sodium.crypto_sign_open, nacl.exceptions.BadSignatureError

    def fits(signature: bytes, data: bytes) -> bool:
        # It takes both as one: a longer signature would give its end to the data.
        if len(signature) != SIGNATURE_BYTES:
            return False
        try:
            check(signature + data, raw)
        except unfit:
            return False
        return True

    return fits
