"""Whose key stands beside a restored database: decided before anything is moved.

A database never gets the key of another collector: gateways that trust the one would be answered by
the other. Where it is not plain what is meant, a person has to say it (`--identity`).
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from central.backup import identity, records
from central.backup.identity import CA, FILES, IdentityUnusable, OwnFiles
from central.backup.manifest import BackupManifest
from central.identity.collector_key import KNOWN
from protocols.errors import FengsuiError
from protocols.words import Value

KEEP: Final = "keep"
REPLACE: Final = "replace"
WISHES: Final = (KEEP, REPLACE)
"""What a person may say: the data folder's own files stay, or give way to the backup's."""


class IdentityDiffers(FengsuiError):
    """The data folder holds another collector's files, or other ones, than the backup."""

    code = "RESTORE_IDENTITY_DIFFERS"


class IdentityForeign(FengsuiError):
    """What the data folder holds is not of the collector whose database is restored."""

    code = "RESTORE_IDENTITY_FOREIGN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`put`: files to write; `gives_way`: files of the data folder to move aside.

    `lacking`: gateways trust a key that will not be there.
    """

    put: dict[str, bytes] = field(default_factory=dict)
    gives_way: list[str] = field(default_factory=list)
    lacking: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Databases:
    """What the backup's database says of its collector: `known`, the key it last signed with.

    `ours`: the database that is there now is of the same collector.
    """

    known: str | None
    ours: bool


def carried(file: Path, said: BackupManifest, wish: str | None) -> OwnFiles | None:
    """Return the identity of a backup; None: it has none, or it is not wanted.

    Raises IdentityUnusable.
    """
    if said.identity != identity.INCLUDED or wish == KEEP:
        return None
    return identity.parse(identity.beside(file), said.identity_sha256, said.lineage)


def present(folder: Path) -> OwnFiles:
    """Return what the data folder holds; a key that cannot be read counts as another one."""
    try:
        return identity.read_own(folder)
    except IdentityUnusable:
        there = {name: b"" for name in FILES if (folder / name).exists()}
        return OwnFiles(files=there, keyid=None)


def databases(database: Path, file: Path, said: BackupManifest) -> Databases:
    """Compare the database that is there with the backup's. Raises sqlite3.Error, OSError."""
    uri = f"{file.resolve().as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as conn:
        row = conn.execute("SELECT value FROM collector WHERE key = ?", (KNOWN,)).fetchone()
    return Databases(
        known=None if row is None else str(row[0]),
        ours=lineage_of(database) == said.lineage,
    )


def lineage_of(database: Path) -> str | None:
    """Return whose the database is; None when there is none, or none that can be read."""
    if not database.is_file():
        return None
    uri = f"{database.resolve().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as conn:
            return records.lineage(conn)
    except (sqlite3.Error, TypeError):
        return None


def plan(ours: OwnFiles, theirs: OwnFiles | None, about: Databases, wish: str | None) -> Plan:
    """Decide. Raises IdentityDiffers, IdentityForeign."""
    names = [name for name in FILES if name in ours.files]
    if not names:
        return Plan(put=theirs.files) if theirs else Plan(lacking=about.known is not None)
    fits = about.ours or about.known is None or ours.keyid == about.known
    shown: dict[str, Value] = {"files": ", ".join(names)}
    if theirs is None:
        if wish == REPLACE and not fits:
            return Plan(gives_way=names, lacking=about.known is not None)
        if not fits:
            raise IdentityForeign(**shown)
        return Plan(lacking=about.known is not None and ours.keyid is None)
    if _same(ours.who, theirs.who):
        return Plan(put=_gaps(ours, theirs))
    if wish == REPLACE:
        return Plan(put=theirs.files, gives_way=names)
    raise IdentityDiffers(**shown)


def _same(ours: dict[str, bytes], theirs: dict[str, bytes]) -> bool:
    both = ours.keys() & theirs.keys()
    return bool(both) and all(ours[name] == theirs[name] for name in both)


def _gaps(ours: OwnFiles, theirs: OwnFiles) -> dict[str, bytes]:
    """Return what is missing; the CA with all that hangs on it, or nothing of it."""
    apart = {name for name in FILES if name not in ours.who and "/" not in name}
    if CA not in ours.files:
        apart |= {name for name in FILES if "/" in name}
    return {name: data for name, data in theirs.files.items() if name in apart}
