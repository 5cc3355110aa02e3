"""Enrolment (网关入网): the one-time code, what both sides prove with it, the digits (pure).

A code is ten characters a person can read out. The first three find it at the collector, all ten
are stretched into a key that neither side ever sends. Each side proves that it knows the key over
one transcript: both nonces, the gateway's key, the collector's key, the TLS certificate that was
seen. Whoever stands between and changes one of them cannot make the proof fit, and one proof that
does not fit ends the code: there is one guess in 2**35. docs/wire.md section 13.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

from protocols.errors import FengsuiError
from protocols.wire.canonical import dump

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: no I, L, O, U, so that nothing looks like something else."""
LENGTH: Final = 10
FOUND_BY: Final = 3
"""Characters that find a code; they are no secret."""
ID: Final = re.compile(rf"[{ALPHABET}]{{{FOUND_BY}}}")
SALT_BYTES: Final = 16
KEY_BYTES: Final = 32
PROOF: Final = re.compile(r"[0-9a-f]{64}")
DIGITS: Final = re.compile(r"[0-9]{6}")
COST: Final = {"n": 1 << 15, "r": 8, "p": 1}
"""scrypt: 32 MiB and about 0.1 s for one guess on a server, one second on a small gateway."""
LARGEST: Final = 1 << 16
"""The highest `n` a gateway works with: 64 MiB, whoever asks for it."""
QR: Final = "FENGSUI1"
STATE: Final = "/api/v1/enrolment/state"
HELLO: Final = "/api/v1/enrolment/hello"
PROVE: Final = "/api/v1/enrolment/proof"

_READ_AS: Final = str.maketrans({"O": "0", "I": "1", "L": "1"})
_BETWEEN: Final = re.compile(r"[\s\-‐-―−－]+")
_WHERE: Final = "enrolment"

Side = Literal["gateway", "collector"]


class CodeUnreadable(FengsuiError):
    """Not ten characters of the alphabet."""

    code = "ENROLMENT_CODE_FORM"


class InvitationUnreadable(FengsuiError):
    """Not the text of our QR code."""

    code = "ENROLMENT_TEXT_FORM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What was said, as one side heard it; `boot` is the gateway's process.

    Keys as text. `certificate`: SHA-256 of the TLS certificate in hex, None over plain HTTP.
    """

    code_id: str
    boot: str
    gateway_nonce: str
    collector_nonce: str
    gateway_key: str
    collector_id: str
    collector_key: str
    certificate: str | None

    def encode(self) -> bytes:
        """Return the canonical bytes both sides prove."""
        said = {name: getattr(self, name) for name in self.__slots__}
        return dump(said, _WHERE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """What the QR code says: where, whose CA (None: no TLS of the collector's own), the code."""

    url: str
    ca: str | None
    code: str

    def __repr__(self) -> str:
        return f"Invitation({self.url})"


def new_code() -> str:
    """Return ten characters with 50 random bits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def read_code(text: str) -> str:
    """Return the code somebody typed: any case, blanks and dashes, O for 0, I and L for 1.

    Raises CodeUnreadable.
    """
    code = _BETWEEN.sub("", text).upper().translate(_READ_AS)
    if len(code) != LENGTH or set(code) - set(ALPHABET):
        raise CodeUnreadable(length=LENGTH)
    return code


def show_code(code: str) -> str:
    """Return the code as people read it: `K7QF-3M9X-PD`."""
    return f"{code[:4]}-{code[4:8]}-{code[8:]}"


def id_of(code: str) -> str:
    """Return the part that finds the code."""
    return code[:FOUND_BY]


def stretch(code: str, salt: bytes, n: int = COST["n"], r: int = COST["r"], p: int = 1) -> bytes:
    """Return the key of a code; slow and large in memory on purpose."""
    memory = 128 * r * (n + p + 2) + (1 << 20)
    return hashlib.scrypt(code.encode(), salt=salt, n=n, r=r, p=p, maxmem=memory, dklen=KEY_BYTES)


def proof(key: bytes, side: Side, transcript: Transcript) -> str:
    """Return what `side` shows to prove that it knows the code and heard the same."""
    return _mac(key, side, transcript).hex()


def proves(key: bytes, side: Side, transcript: Transcript, shown: str) -> bool:
    """Return whether `shown` is that proof; takes as long for a wrong one."""
    return hmac.compare_digest(proof(key, side, transcript).encode(), shown.encode())


def digits(key: bytes, transcript: Transcript) -> str:
    """Return the six digits that both screens show."""
    number = int.from_bytes(_mac(key, "digits", transcript)[:8], "big")
    return f"{number % 1_000_000:06}"


def write_invitation(invitation: Invitation) -> str:
    """Return the text of the QR code."""
    return "|".join((QR, invitation.url, invitation.ca or "-", show_code(invitation.code)))


def read_invitation(text: str) -> Invitation:
    """Return what the QR code says. Raises InvitationUnreadable, CodeUnreadable."""
    parts = text.strip().split("|")
    if len(parts) != 4 or parts[0] != QR:
        raise InvitationUnreadable
    _, url, ca, code = parts
    if not web_address(url) or not (ca == "-" or PROOF.fullmatch(ca)):
        raise InvitationUnreadable
    return Invitation(url=url.rstrip("/"), ca=None if ca == "-" else ca, code=read_code(code))


def web_address(url: str) -> bool:
    """Whether `url` can name a collector: HTTP or HTTPS, a host, nothing to log in with."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    plain = url.isprintable() and " " not in url and "@" not in parts.netloc
    return plain and parts.scheme in ("http", "https") and bool(parts.hostname)


def _mac(key: bytes, what: str, transcript: Transcript) -> bytes:
    return hmac.digest(key, f"{what}|".encode() + transcript.encode(), "sha256")
