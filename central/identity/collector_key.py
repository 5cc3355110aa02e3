"""The collector's own key, beside its database: every gateway that was enrolled trusts it.

Made at the first start and then only read. Where the file is gone while gateways have keys, a new
one is made, so that people can still see what is stored; gateways refuse its answers and keep their
data, and it is told as a matter of security, with the id of the key they trust.
"""

import logging
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlite_utils import Database as Tables

from central import events
from central.identity import gateway_keys
from central.tls.folder import KEY_FILE
from protocols.errors import FengsuiError
from protocols.signing.keys import Ed25519Signer, KeyUnusable, Signer

logger = logging.getLogger(__name__)

OPEN: Final = stat.S_IRWXG | stat.S_IRWXO
KNOWN: Final = "keyid"
"""Which key this collector last signed with, in its table of facts."""


class CollectorKeyUnusable(FengsuiError):
    """The file is there and cannot be used, or none can be made; `reason` says why."""

    code = "COLLECTOR_KEY_UNUSABLE"


@dataclass(frozen=True, slots=True)
class OwnKey:
    """The key, and whether the file had to be made."""

    signer: Signer
    made: bool


def load(folder: Path) -> OwnKey:
    """Return the key in `folder`, made where there is none. Raises CollectorKeyUnusable."""
    file = folder / KEY_FILE
    try:
        if not file.exists():
            signer = Ed25519Signer.generate()
            _write(file, signer.dump())
            return OwnKey(signer, made=True)
        if file.stat().st_mode & OPEN:
            logger.warning("%s could be read by others; closed", file)
            file.chmod(0o600)
        return OwnKey(Ed25519Signer.load(file.read_bytes()), made=False)
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise CollectorKeyUnusable(file=str(file), reason=reason) from exc
    except KeyUnusable as exc:
        raise CollectorKeyUnusable(file=str(file), reason=str(exc.params["reason"])) from exc


def note(db: Tables, own: OwnKey, now: int) -> None:
    """Keep which key this is; tell when gateways trust another. Runs in the writer thread."""
    row = db.execute("SELECT value FROM collector WHERE key = ?", (KNOWN,)).fetchone()
    before, keyid = (None if row is None else str(row[0])), own.signer.keyid
    if before == keyid:
        return
    if before is not None and gateway_keys.any_active(db.conn):
        # The id they trust stays on record until that key is back.
        detail = {"keyid": keyid, "expected": before}
        events.record(db, (now, now), events.SECURITY, "COLLECTOR_KEY_MADE", "", detail)
        logger.critical("gateways trust the key %s, this one is %s", before, keyid)
        return
    db.execute("INSERT OR REPLACE INTO collector(key, value) VALUES (?, ?)", (KNOWN, keyid))


def _write(file: Path, data: bytes) -> None:
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    made = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(made, "wb") as out:  # noqa: PTH123  # it is the descriptor with its mode
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    new.rename(file)
    held = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(held)
    finally:
        os.close(held)
