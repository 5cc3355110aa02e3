"""`enrolment.json`: an enrolment that waits for approval; leaving the terminal loses nothing.

Holds what the collector has proved of itself with the code; nothing secret.
"""

import re
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from edge.identity import IdentityFolderUnusable, write_own
from protocols.enrolment import DIGITS, ID, PROOF
from protocols.errors import WireError
from protocols.tls.statement import COLLECTOR, KEY
from protocols.wire.bounds import RECORD_BYTES
from protocols.wire.canonical import dump, load_any
from protocols.wire.fields import Fields
from protocols.words import NAME

FILE: Final = "enrolment.json"
WHERE: Final = "enrolment.json"
_URL: Final = re.compile(r"https?://[\x21-\x7e]{1,2000}")
_KEYID: Final = re.compile(r"[a-z0-9]{1,16}:[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Where we asked with which code, who the collector proved to be, what both screens show.

    `site`: for which the code was made, None where it names none.
    """

    url: str
    code_id: str
    ca: str | None
    collector: str
    collector_key: str
    keyid: str
    gateway: str
    digits: str
    site: str | None = None


def load(folder: Path) -> Waiting | None:
    """Return the enrolment that waits; None: there is none, or its file is damaged."""
    try:
        fields = Fields(load_any((folder / FILE).read_bytes(), WHERE, RECORD_BYTES), WHERE)
        return Waiting(
            url=fields.text("url", _URL),
            code_id=fields.text("code_id", ID),
            ca=fields.optional_text("ca", PROOF),
            collector=fields.text("collector", COLLECTOR),
            collector_key=fields.text("collector_key", KEY),
            keyid=fields.text("keyid", _KEYID),
            gateway=fields.name("gateway"),
            digits=fields.text("digits", DIGITS),
            site=fields.optional_text("site", NAME) if "site" in fields.data else None,
        )
    except (OSError, WireError):
        return None


def save(folder: Path, waiting: Waiting) -> None:
    """Keep it. Raises IdentityFolderUnusable."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_own(folder / FILE, dump(asdict(waiting), WHERE))
    except OSError as exc:
        reason = exc.strerror or str(exc)
        raise IdentityFolderUnusable(folder=str(folder), reason=reason) from exc


def forget(folder: Path) -> None:
    """It is over."""
    with suppress(OSError):
        (folder / FILE).unlink(missing_ok=True)
