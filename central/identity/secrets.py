"""Random secrets and the form they are stored in.

256 bits from the operating system; what is stored is their SHA-256. Nobody can guess 256 bits, so a
slow hash would protect nothing; a lookup by the hash leaks no time about the secret.
"""

import hashlib
import secrets
from typing import Final

BYTES: Final = 32


def mint(prefix: str = "") -> str:
    """Return a new secret, safe in a URL, a header and a cookie."""
    return prefix + secrets.token_urlsafe(BYTES)


def stored(secret: str) -> str:
    """Return what the database holds for `secret`."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
