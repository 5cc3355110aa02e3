"""The collector's own small files beside its database: written whole or not at all, for it alone.

`collector.id` names the collector for ever (gateways check `collector.<id>`); it belongs to this
data folder as the CA and the key do. Lose it, and every gateway has to be enrolled again.
"""

import os
import re
import secrets
from pathlib import Path
from typing import Final

from protocols.errors import FengsuiError

ID_FILE: Final = "collector.id"
FOLDER: Final = "tls"
"""Where the CA and its certificates are, in the data folder."""
CURRENT: Final = "ca.pem"
NEXT: Final = "ca-next.pem"
SERVER: Final = "server.pem"
PUBLIC: Final = "ca.crt"
KEY_FILE: Final = "collector.key"
_ID: Final = re.compile(r"[0-9a-f]{16}")


class OwnFileUnusable(FengsuiError):
    """One of the collector's own files cannot be read or written, or is not what it should be."""

    code = "OWN_FILE_UNUSABLE"


def collector_id(folder: Path) -> str:
    """Return who this collector is: 16 hex digits, made once. Raises OwnFileUnusable."""
    file = folder / ID_FILE
    try:
        said = file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        said = secrets.token_hex(8)
        write(file, f"{said}\n".encode(), mode=0o644)
    except (OSError, UnicodeError) as exc:
        raise OwnFileUnusable(file=str(file), reason=reason(exc)) from exc
    if not _ID.fullmatch(said):
        raise OwnFileUnusable(file=str(file), reason="not 16 hex digits")
    return said


def write(file: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Put `data` in place of the file, durably, and make its folder. Raises OwnFileUnusable."""
    new = file.with_name(f"{file.name}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        new.unlink(missing_ok=True)
        made = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with open(made, "wb") as out:  # noqa: PTH123  # it is the descriptor with its mode
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        new.replace(file)
        _sync(file.parent)
    except OSError as exc:
        raise OwnFileUnusable(file=str(file), reason=reason(exc)) from exc


def reason(exc: Exception) -> str:
    """Return what went wrong in the system's words, without a path."""
    return (exc.strerror if isinstance(exc, OSError) else None) or type(exc).__name__


def _sync(folder: Path) -> None:
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(held)
    finally:
        os.close(held)
