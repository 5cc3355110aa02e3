"""Keys: public halves with their ids, and what signs.

An algorithm is a name with a line in `_ALGORITHMS`; a new one stands beside the others without
anything else changing. Private halves stay inside their signer: nothing here prints one.
"""

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from protocols.errors import FengsuiError
from protocols.signing.ed25519 import fitting, signing

ED25519: Final = "ed25519"
KEYID: Final = re.compile(r"[a-z0-9]{1,16}:[0-9a-f]{32}")
_TEXT: Final = re.compile(r"([a-z0-9]{1,16}):([A-Za-z0-9_-]{1,128})")
_SMALL_ORDER: Final = frozenset(
    bytes.fromhex(text)
    for text in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
)
"""Points (sign bit cleared) under which a signature can be made that fits many messages."""


class KeyUnusable(FengsuiError):
    """These bytes are no key we can use; `reason` says why, without repeating them."""

    code = "KEY_UNUSABLE"


class Signer(Protocol):
    """What signs in the name of `public`."""

    @property
    def public(self) -> "PublicKey":
        """The half that may be shown."""

    @property
    def keyid(self) -> str:
        """The id of `public`."""

    @property
    def alg(self) -> str:
        """The algorithm's name."""

    def sign(self, data: bytes) -> bytes:
        """Return the signature of `data`."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The half of a key that may be shown. Raises KeyUnusable for bytes that are none."""

    alg: str
    raw: bytes
    keyid: str = field(init=False, compare=False)
    _fits: Callable[[bytes, bytes], bool] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        load = _ALGORITHMS.get(self.alg)
        if load is None:
            raise KeyUnusable(reason="algorithm")
        object.__setattr__(self, "_fits", load(self.raw))
        digest = hashlib.sha256(self.raw).hexdigest()
        object.__setattr__(self, "keyid", f"{self.alg}:{digest[:32]}")

    @classmethod
    def parse(cls, text: str) -> "PublicKey":
        """Return the key `encode` wrote; no other form is accepted. Raises KeyUnusable."""
        found = _TEXT.fullmatch(text)
        if found is None:
            raise KeyUnusable(reason="form")
        body = found[2]
        try:
            raw = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
        except ValueError as exc:
            raise KeyUnusable(reason="form") from exc
        key = cls(found[1], raw)
        if key.encode() != text:  # bits left over behind the last byte
            raise KeyUnusable(reason="form")
        return key

    def encode(self) -> str:
        """Return the key as text: `<alg>:<base64url without padding>`."""
        return f"{self.alg}:{base64.urlsafe_b64encode(self.raw).decode().rstrip('=')}"

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Return whether the holder of the key signed exactly `data`."""
        return self._fits(signature, data)


def verify(public: PublicKey, signature: bytes, data: bytes) -> bool:
    """Return whether the holder of `public` signed exactly `data`."""
    return public.verify(signature, data)


class Ed25519Signer:
    """An Ed25519 key (RFC 8032). Shows its id, never itself."""

    __slots__ = ("_private", "_sign", "public")

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self._sign = signing(private)
        self.public: Final = PublicKey(ED25519, private.public_key().public_bytes_raw())

    @classmethod
    def generate(cls) -> "Ed25519Signer":
        """Make a key from the system's randomness."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, pem: bytes) -> "Ed25519Signer":
        """Return the key in `pem` (PKCS 8, not encrypted). Raises KeyUnusable."""
        try:
            private = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
            raise KeyUnusable(reason=type(exc).__name__) from None
        if not isinstance(private, Ed25519PrivateKey):
            raise KeyUnusable(reason="algorithm")
        return cls(private)

    def dump(self) -> bytes:
        """Return the key as PEM (PKCS 8, not encrypted): a secret, for a file of mode 0600 only."""
        return self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def __repr__(self) -> str:
        return f"Ed25519Signer({self.keyid})"

    def __reduce__(self) -> str:
        raise TypeError("a private key is not pickled")

    @property
    def keyid(self) -> str:
        """The id of the public half."""
        return self.public.keyid

    @property
    def alg(self) -> str:
        """The algorithm's name."""
        return ED25519

    def sign(self, data: bytes) -> bytes:
        """Return the signature of `data`, 64 bytes."""
        return self._sign(data)


def _load_ed25519(raw: bytes) -> Callable[[bytes, bytes], bool]:
    if len(raw) != 32:
        raise KeyUnusable(reason="length")
    if raw[:31] + bytes([raw[31] & 0x7F]) in _SMALL_ORDER:
        raise KeyUnusable(reason="weak")
    return fitting(raw)


_ALGORITHMS: Final[dict[str, Callable[[bytes], Callable[[bytes, bytes], bool]]]] = {
    ED25519: _load_ed25519,
}
"""By name: from the raw public key to what says whether a signature fits. Raises KeyUnusable."""
