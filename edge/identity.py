"""Who this gateway is: a key made here that never leaves, and what it knows of its collector.

Everything lies in one folder for the gateway's account only. A key handed over by systemd
(`LoadCredential=fengsui-gateway-key`) counts instead of the file. A new key lies beside the old one
until the collector has approved it: an enrolment that comes to nothing changes nothing.
"""

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from protocols.errors import UplinkRefused

if TYPE_CHECKING:
    from protocols.signing.keys import Ed25519Signer as OwnKey
    from protocols.signing.keys import Signer

KEY: Final = "gateway.key"
NEW: Final = "gateway.key.pending"
CREDENTIAL: Final = "fengsui-gateway-key"
CREDENTIALS: Final = "CREDENTIALS_DIRECTORY"
LARGEST: Final = 16 * 1024
"""Bytes of a key file; ours have 119."""
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO

_State = tuple[str, int, int, int]


class KeyFileUnusable(UplinkRefused):
    """The key is there and cannot be used; nothing is signed and nothing forgotten."""

    code = "ENROL_KEY_BAD"


class IdentityFolderUnusable(UplinkRefused):
    """The folder cannot be made or written."""

    code = "ENROL_FOLDER"


class Identity:
    """The folder of one gateway; reads a key again when it has changed, used by several threads."""

    def __init__(self, folder: Path, environment: Mapping[str, str] = os.environ) -> None:
        self.folder = folder
        given = environment.get(CREDENTIALS)
        self._credential = None if not given else Path(given) / CREDENTIAL
        self._seen: tuple[_State, Signer] | None = None

    @property
    def given(self) -> bool:
        """Whether systemd hands the key over: then none is made here."""
        return self._credential is not None and self._credential.exists()

    def signer(self) -> "Signer | None":
        """Return what signs in this gateway's name; None: not enrolled. KeyFileUnusable."""
        if self._credential is not None and self._credential.exists():
            return self._read(self._credential, ours=False)
        return self._read(self.folder / KEY)

    def pending(self) -> "Signer | None":
        """Return the key that waits for approval. Raises KeyFileUnusable."""
        return self.signer() if self.given else self._read(self.folder / NEW)

    def make(self) -> "OwnKey":
        """Make a key, or take systemd's; nothing is written. Raises KeyFileUnusable (systemd's)."""
        from protocols.signing.keys import Ed25519Signer

        if self._credential is not None and self._credential.exists():
            return _load(self._credential)
        return Ed25519Signer.generate()

    def keep(self, made: "OwnKey") -> None:
        """Let `made` wait for approval, in place of an older one. Raises IdentityFolderUnusable."""
        if self.given:
            return
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_own(self.folder / NEW, made.dump())
        except OSError as exc:
            raise self._unusable(exc) from exc

    def approved(self) -> None:
        """Let the key that waited be this gateway's from now on. Raises IdentityFolderUnusable."""
        if self.given:
            return
        try:
            with suppress(FileNotFoundError):  # done before, and we died before we could say so
                (self.folder / NEW).rename(self.folder / KEY)
            sync(self.folder)
        except OSError as exc:
            raise self._unusable(exc) from exc

    def refused(self) -> None:
        """Forget the key that waited."""
        if not self.given:
            with suppress(OSError):
                (self.folder / NEW).unlink(missing_ok=True)

    def _read(self, file: Path, *, ours: bool = True) -> "Signer | None":
        try:
            state = file.stat()
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise KeyFileUnusable(file=str(file), reason=exc.strerror or str(exc)) from exc
        now = (str(file), state.st_mtime_ns, state.st_size, state.st_ino)
        known = self._seen
        if known is not None and known[0] == now:
            return known[1]
        if ours and state.st_mode & OTHERS:
            mode = f"{stat.S_IMODE(state.st_mode):04o}"
            raise KeyFileUnusable("ENROL_KEY_OPEN", file=str(file), mode=mode)
        signer = _load(file)
        self._seen = (now, signer)
        return signer

    def _unusable(self, exc: OSError) -> IdentityFolderUnusable:
        reason = exc.strerror or str(exc)
        return IdentityFolderUnusable(folder=str(self.folder), reason=reason)


def write_own(file: Path, data: bytes) -> None:
    """Put `data` in place of the file, whole and durable, for this account only. Raises OSError."""
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    made = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(made, "wb") as out:  # noqa: PTH123  # it is the descriptor with its mode
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    new.replace(file)
    sync(file.parent)


def sync(folder: Path) -> None:
    """Make a rename last; a folder that cannot be synced keeps the older file at worst."""
    with suppress(OSError):
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(held)
        finally:
            os.close(held)


def _load(file: Path) -> "OwnKey":
    # Here alone: a gateway without a key does without the library.
    from protocols.signing.keys import Ed25519Signer, KeyUnusable

    try:
        with file.open("rb") as opened:
            return Ed25519Signer.load(opened.read(LARGEST))
    except OSError as exc:
        raise KeyFileUnusable(file=str(file), reason=exc.strerror or str(exc)) from exc
    except KeyUnusable as exc:
        raise KeyFileUnusable(file=str(file), reason=str(exc.params["reason"])) from exc
