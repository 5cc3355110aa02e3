"""The chain: every batch of a stream stands on all before it.

`h[0] = digest(opening record)`, `h[k] = digest(h[k-1] | batch k)`, over raw bytes.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Final

from protocols.errors import WireError

DIGESTS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "sha256": lambda data: sha256(data).digest(),
}
"""Digest algorithms by the name in the opening record."""


def digest(data: bytes, alg: str = "sha256") -> bytes:
    """Return the digest of `data`. Raises WireError for an algorithm this version does not know."""
    if alg == "sha256":  # each request asks three times
        return sha256(data).digest()
    if alg not in DIGESTS:
        raise WireError("WIRE_UNKNOWN", where="digest_alg", value=alg)
    return DIGESTS[alg](data)


def chain_start(opening: bytes, alg: str = "sha256") -> bytes:
    """Return h[0] of the stream that `opening` (the record's bytes) opens."""
    return digest(opening, alg)


def chain_next(head: bytes, batch: bytes, alg: str = "sha256") -> bytes:
    """Return the head after `batch`."""
    return digest(head + batch, alg)
