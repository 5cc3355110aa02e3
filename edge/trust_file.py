"""`trust.json`: what the gateway knows of its collector since it was enrolled.

Written whole or not at all, for the gateway's account only. A file that cannot be read is an error
and never taken for none: a gateway that was told whom to trust does not fall back to trusting all.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from protocols.errors import UplinkRefused, WireError
from protocols.tls.statement import COLLECTOR, KEY, NAME, read_authorities
from protocols.wire.bounds import RECORD_BYTES
from protocols.wire.canonical import dump, load_any
from protocols.wire.fields import Fields

TRUST: Final = "trust.json"
WHERE: Final = "trust.json"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The collector's id, public key and certificates; `floor`: no clock below it is right, µs.

    `authorities` empty: those of this machine. `name` None: the certificate is for the address.
    """

    collector: str
    key: str | None
    name: str | None
    authorities: tuple[str, ...]
    floor: int = 0


class TrustUnreadable(UplinkRefused):
    """The file is there and cannot be used: nothing is sent to anybody."""

    code = "TRUST_UNREADABLE"


def load(file: Path) -> Known | None:
    """Return what is known; None when there is no such file. Raises TrustUnreadable."""
    try:
        fields = Fields(load_any(file.read_bytes(), WHERE, RECORD_BYTES), WHERE)
        return Known(
            collector=fields.text("collector", COLLECTOR),
            key=fields.optional_text("key", KEY),
            name=fields.optional_text("name", NAME),
            authorities=read_authorities(fields),
            floor=_micro(fields),
        )
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise TrustUnreadable(file=str(file), reason=exc.strerror or str(exc)) from exc
    except WireError as exc:
        key = str(exc.params.get("key", exc.params.get("what", exc.code)))
        raise TrustUnreadable(file=str(file), reason=key) from exc


def save(file: Path, known: Known) -> None:
    """Put `known` in place of the file, durably. Raises OSError."""
    body = {
        "collector": known.collector,
        "key": known.key,
        "name": known.name,
        "authorities": list(known.authorities),
        "floor": (_EPOCH + timedelta(microseconds=known.floor)).isoformat(timespec="seconds"),
    }
    new = file.with_name(f"{file.name}.new")
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new.unlink(missing_ok=True)
    made = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(made, "wb") as out:  # noqa: PTH123  # it is the descriptor with its mode
        out.write(dump(body, WHERE))
        out.flush()
        os.fsync(out.fileno())
    new.replace(file)
    with suppress(OSError):  # a folder that cannot be synced keeps the older file at worst
        held = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(held)
        finally:
            os.close(held)


def _micro(fields: Fields) -> int:
    try:
        return (datetime.fromisoformat(fields.text("floor")) - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, TypeError, OverflowError) as exc:
        raise fields.wrong("floor") from exc
