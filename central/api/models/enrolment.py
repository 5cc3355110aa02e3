"""Enrolment of gateways: codes, proofs, keys, held starts."""

from typing import Annotated, Literal

from pydantic import Field

from central.api.models.gateways import AskedLabel
from central.api.models.words import Answer, Asked, Name
from central.api.times import AskedTime, Time

CodeId = Annotated[str, Field(pattern=r"^[0-9A-HJKMNP-TV-Z]{3}$")]
Hex128 = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Hex256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
KeyState = Literal["pending", "active", "held", "refused", "revoked", "replaced"]


class Hello(Asked):
    """A gateway introduces itself: the code's first characters, its public key, a nonce.

    `certificate`: the SHA-256 of the TLS certificate it was shown, null over plain HTTP.
    """

    id: CodeId
    key: str = Field(min_length=1, max_length=200)
    nonce: Hex128
    boot: Hex128
    certificate: Hex256 | None


class Itself(Answer):
    """The collector: its id, its public key, the SHA-256 of its CA."""

    id: str
    key: str
    ca_sha256: str | None


class Welcome(Answer):
    """How to stretch the code (scrypt), and the collector's nonce."""

    salt: str
    n: int
    r: int
    p: int
    nonce: str
    collector: Itself


class Shown(Asked):
    """The gateway's proof; `nonce` is the one of the welcome."""

    id: CodeId
    nonce: Hex128
    proof: Hex256


class Proved(Answer):
    """The collector's own proof, and how the gateway's key stands."""

    proof: str
    gateway: str
    site: str | None
    state: KeyState
    digits: str


class Signature(Answer):
    """The collector's signature over the rest in canonical form (docs/wire.md section 6)."""

    alg: str
    keyid: str
    value: str


class Standing(Answer):
    """How the key stands that asked, signed by the collector over the question's nonce.

    `warrant`: for a key that counts, the collector's signed word that it was approved; as text.
    """

    state: KeyState
    gateway: str
    keyid: str
    site: str | None
    collector: Itself
    nonce: str
    warrant: str | None
    signature: Signature


class NewCode(Asked):
    """A one-time code for a gateway, which is created where it is missing.

    With a work order (number, installer, window, site) nobody has to approve on the day.
    """

    gateway: Name
    site: Name | None = None
    label: AskedLabel | None = None
    work_order: str | None = Field(default=None, min_length=1, max_length=64)
    installer: str | None = Field(default=None, min_length=1, max_length=64)
    opens: AskedTime | None = None
    expires: AskedTime | None = None


class Drawing(Answer):
    """A QR code as an SVG path of strokes one cell wide, within `size` by `size` cells."""

    size: int
    path: str


class CodeMade(Answer):
    """A new code, shown this once; `text` is what the QR code says, `qr` its PNG in base64.

    `url` is where the gateway will dial; `url_configured`: it is from `listen.url`, not from the
    address this was asked under. `now`: enrolment goes by the machine's own time.
    """

    number: int
    code: str
    gateway: str
    site: str | None
    opens: Time
    expires: Time
    text: str
    qr: str
    drawing: Drawing
    url: str
    url_configured: bool
    now: Time


class GatewayMade(Answer):
    """A new gateway and its code, or the token that was asked for, shown this once."""

    name: str
    code: CodeMade | None
    token: str | None


class Code(Answer):
    """A code as kept: its first characters and what became of it."""

    number: int
    id: str
    gateway: str
    site: str | None
    created: Time
    created_by: str
    opens: Time
    expires: Time
    work_order: str | None
    installer: str | None
    state: Literal["open", "used", "burnt", "withdrawn", "expired"]
    ended: Time | None


class Key(Answer):
    """A gateway's key; `digits` while it waits, for those who may approve it."""

    keyid: str
    gateway: str
    state: KeyState
    created: Time
    approved_by: str | None
    approved: Time | None
    ended: Time | None
    digits: str | None
    work_order: str | None
    installer: str | None


class HeldStart(Answer):
    """A start of a gateway whose key another machine uses too."""

    gateway: str
    boot: str
    keyid: str
    since: Time
    state: Literal["held", "approved", "refused"]
    decided_by: str | None
    decided: Time | None


class Enrolment(Answer):
    """Codes, keys and held starts; what waits for somebody comes first.

    Codes are for those who may approve. `now`: the machine's own time, which all of this goes by.
    """

    now: Time
    codes: list[Code]
    keys: list[Key]
    held: list[HeldStart]


class Approval(Asked):
    """The six digits the installer reads out, or the id of a held start."""

    answer: str = Field(min_length=6, max_length=32)


class Refusal(Asked):
    """`boot`: a held start; without it, every key of the gateway that waits."""

    boot: Hex128 | None = None


class Ended(Answer):
    """Keys (or the start) that count no more."""

    ended: list[str]
