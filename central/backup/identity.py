"""The collector's identity beside each backup: its id, its key, its own CA with keys.

A database alone does not bring a collector back: gateways trust its key. `collector-….identity` is
a small file of mode 0600 in the backup's folder. It is not written at all where the folder cannot
keep it to the collector's account (a share that shows every file to everybody).
"""

import hashlib
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from central.tls.folder import CURRENT, ID_FILE, KEY_FILE, NEXT, PUBLIC, SERVER
from central.tls.folder import FOLDER as TLS
from protocols.errors import FengsuiError
from protocols.signing.keys import Ed25519Signer, KeyUnusable

INCLUDED: Final = "included"
LEFT_OUT: Final = "left_out"
"""By the configuration."""
EXPOSED: Final = "exposed"
"""The folder shows new files to others, or gives them to another account."""
FAILED: Final = "failed"
MISSING: Final = "missing"
"""There was none yet, or an older version made the backup."""
STATES: Final = (INCLUDED, LEFT_OUT, EXPOSED, FAILED, MISSING)

KEY: Final = KEY_FILE
CA: Final = f"{TLS}/{CURRENT}"
# The CA that follows is read before the one it replaces: taking over goes the other way.
FILES: Final = {
    ID_FILE: 0o644,
    KEY: 0o600,
    f"{TLS}/{NEXT}": 0o600,
    CA: 0o600,
    f"{TLS}/{SERVER}": 0o600,
    f"{TLS}/{PUBLIC}": 0o644,
}
"""What an identity may hold, by its path in the data folder, with its mode there."""
FORMAT: Final = 1
SUFFIX: Final = ".identity"
_LARGEST: Final = 64 * 1024
_WHOLE: Final = 1 << 20


class IdentityUnusable(FengsuiError):
    """An identity that is not what it should be, or the collector's own that cannot be read."""

    code = "BACKUP_IDENTITY_UNUSABLE"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class OwnFiles:
    """The files of one collector, by their paths; `keyid` of its key, None without one."""

    files: dict[str, bytes]
    keyid: str | None

    @property
    def who(self) -> dict[str, bytes]:
        """What tells one collector from another: its id and its key, without blanks around."""
        return {name: self.files[name].strip() for name in (ID_FILE, KEY) if name in self.files}


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What came of writing an identity: one of STATES, the digest and the size where included."""

    state: str
    sha256: str = ""
    bytes: int = 0


def beside(file: Path) -> Path:
    """Return where the identity of a backup is."""
    return file.with_suffix(SUFFIX)


def read_own(folder: Path) -> OwnFiles:
    """Return what the data folder holds of an identity. Raises IdentityUnusable, never half."""
    files: dict[str, bytes] = {}
    for name in FILES:
        try:
            with (folder / name).open("rb") as source:
                files[name] = source.read(_LARGEST + 1)
        except FileNotFoundError:
            continue
        except OSError as exc:
            raise IdentityUnusable(file=str(folder / name), reason=str(exc)) from exc
        if len(files[name]) > _LARGEST:
            raise IdentityUnusable(file=str(folder / name), reason=f"> {_LARGEST}")
    return OwnFiles(files=files, keyid=_keyid(files, folder / KEY))


def write(own: OwnFiles, lineage: str, file: Path) -> Written:
    """Write the identity durably beside the backup `file`, and read it back. Raises OSError.

    Nothing secret is written before it is known that others cannot read it. Raises
    IdentityUnusable for what does not read back the same.
    """
    if own.keyid is None:
        return Written(state=MISSING)
    said = {
        "format": FORMAT,
        "lineage": lineage,
        "keyid": own.keyid,
        "files": {name: data.decode("utf-8", "replace") for name, data in own.files.items()},
    }
    data = json.dumps(said, indent=1).encode() + b"\n"
    path = beside(file)
    partial = path.with_name(f"{path.name}.tmp")
    partial.unlink(missing_ok=True)
    made = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(made, "wb") as out:  # noqa: PTH123  # it is the descriptor with its mode
        if _exposed(os.fstat(out.fileno())):
            partial.unlink()
            return Written(state=EXPOSED)
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    partial.replace(path)
    digest = hashlib.sha256(data).hexdigest()
    if parse(path, digest, lineage).files != own.files:
        raise IdentityUnusable(file=str(path), reason="UTF-8")
    return Written(state=INCLUDED, sha256=digest, bytes=len(data))


def parse(path: Path, sha256: str, lineage: str) -> OwnFiles:
    """Return the identity in `path`, whole and of this database. Raises IdentityUnusable."""
    try:
        # A pipe in its place would be waited for, for ever.
        if not stat.S_ISREG(path.stat().st_mode):
            raise IdentityUnusable(file=str(path), reason="no file")
        with path.open("rb") as source:
            data = source.read(_WHOLE)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise IdentityUnusable(file=str(path), reason="SHA-256")
        said: Any = json.loads(data)
        files = {str(name): text.encode() for name, text in said["files"].items()}
        fits = (said["format"], said["lineage"]) == (FORMAT, lineage) and files.keys() <= set(FILES)
    except OSError as exc:
        raise IdentityUnusable(file=str(path), reason=str(exc)) from exc
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise IdentityUnusable(file=str(path), reason=type(exc).__name__) from exc
    if not fits or _keyid(files, path) != said["keyid"] or said["keyid"] is None:
        raise IdentityUnusable(file=str(path), reason="lineage")
    return OwnFiles(files=files, keyid=said["keyid"])


def _keyid(files: dict[str, bytes], path: Path) -> str | None:
    if KEY not in files:
        return None
    try:
        return Ed25519Signer.load(files[KEY]).keyid
    except KeyUnusable as exc:
        raise IdentityUnusable(file=str(path), reason=str(exc.params["reason"])) from exc


def _exposed(state: os.stat_result) -> bool:
    others = stat.S_IRWXG | stat.S_IRWXO
    return bool(state.st_mode & others) or state.st_uid != os.geteuid()
