"""Verifies an exported folder with nothing but the folder and the gateway's public keys.

Total: whatever the files hold, each damage is named and nothing else happens. Where something is no
plain file (a link, a pipe) nothing is read: it may lead elsewhere, or never end. Files are read in
pieces; memory is bounded by the index and one batch, however large the folder is.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from protocols.errors import WireError
from protocols.signing.keys import PublicKey
from protocols.verify.index import BYTES, Index, Part, decode_index
from protocols.verify.lines import read_batches, read_heads
from protocols.verify.model import OPENING, UNCHECKED, Findings, Keys, Proved
from protocols.verify.stream import StreamCheck
from protocols.wire.bounds import RECORD_BYTES

PIECE: Final = 1 << 20
INDEX: Final = "index.json"


@dataclass(slots=True)
class Result:
    """What holds, and what is not as it was."""

    index: Index | None = None
    streams: list[Proved] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)


def verify_folder(folder: Path, keys: Iterable[PublicKey], *, unsigned: bool = False) -> Result:
    """Verify `folder`. `unsigned`: what nobody signed is no finding; damage still is."""
    result = Result()
    found = result.findings
    names = _names(folder, found)
    if names is None:
        return result
    try:
        with (folder / INDEX).open("rb") as source:
            data = source.read(BYTES + 1)
        result.index = decode_index(data)
    except OSError as exc:
        found.add("VERIFY_FILE", "", None, file=INDEX, reason=_why(exc))
        return result
    except WireError as exc:
        found.add("VERIFY_FILE", "", None, file=INDEX, reason=exc.code)
        return result
    for name in sorted(result.index.files):
        _check_file(folder, name, result.index.files[name], found)
    _check_strangers(names, result.index, found)
    find = _finder(keys, unsigned=unsigned)
    for part in result.index.streams:
        proved = _stream(folder, result.index, part, find, found)
        result.streams.append(proved)
        if not unsigned and proved.signed < proved.last:
            first = max(proved.signed + 1, part.start.seq + 1)
            found.add("VERIFY_NOT_SIGNED", part.id, first, last=proved.last)
    return result


def _stream(folder: Path, index: Index, part: Part, keys: Keys, found: Findings) -> Proved:
    home = folder / "streams" / part.id
    opening = _small(home / "opening.json", RECORD_BYTES, part.id, found)
    heads = home / "heads.jsonl"
    check = StreamCheck(
        (part.id, index.gateway),
        opening,
        part.start,
        (
            read_heads(heads, part.id, found, apart=False),
            read_heads(heads, part.id, found, apart=True),
        ),
        keys,
        found,
    )
    if (part.start.kind == OPENING) != (part.start.seq == 0):
        found.add("VERIFY_OPENING_HEAD", part.id, part.start.seq)
    if check.opening is not None and check.opening.manifest != part.manifest:
        found.add("VERIFY_MANIFEST", part.id, 0, manifest=part.manifest)
    name = f"manifests/{part.manifest}.json"
    if index.files.get(name, (0, ""))[1] != part.manifest:
        found.add("VERIFY_MANIFEST", part.id, 0, manifest=part.manifest)
    for kept in read_batches(home / "batches.jsonl", home / "batches.bin", part.id, found):
        check.batch(kept)
    proved = check.finish()
    if proved.last < part.last:
        found.add("VERIFY_GAP", part.id, proved.last + 1, last=part.last)
    return proved


def _check_file(folder: Path, name: str, said: tuple[int, str], found: Findings) -> None:
    digest, size = hashlib.sha256(), 0
    stream = name.split("/")[1] if name.startswith("streams/") else ""
    try:
        with (folder / name).open("rb") as source:
            while piece := source.read(PIECE):
                digest.update(piece)
                size += len(piece)
    except OSError as exc:
        found.add("VERIFY_FILE", stream, None, file=name, reason=_why(exc))
        return
    if (size, digest.hexdigest()) != said:
        found.add("VERIFY_FILE", stream, None, file=name, reason="SHA-256")


def _names(folder: Path, found: Findings) -> list[str] | None:
    """Return the paths of all files; None: there is something else, or it cannot be looked at."""
    names, said = [], found.count
    try:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_symlink() or not (path.is_dir() or path.is_file()):
                found.add("VERIFY_FILE", "", None, file=_shown(name), reason="not a plain file")
            elif not path.is_dir():
                names.append(name)
    except OSError as exc:
        found.add("VERIFY_FILE", "", None, file=".", reason=_why(exc))
    return names if found.count == said else None


def _check_strangers(names: Iterable[str], index: Index, found: Findings) -> None:
    """What nobody listed, or what belongs to no stream, must not be taken for evidence."""
    streams = {part.id for part in index.streams}
    manifests = {f"manifests/{part.manifest}.json" for part in index.streams}
    for name in names:
        if name != INDEX and name not in index.files:
            found.add("VERIFY_FILE", "", None, file=_shown(name), reason="not listed")
    for name in sorted(index.files):
        kind, _, rest = name.partition("/")
        known = name in manifests or rest.partition("/")[0] in streams
        if kind in ("manifests", "streams") and not known:
            found.add("VERIFY_FILE", "", None, file=name, reason="of no stream")
    if not index.streams:
        found.add("VERIFY_NOTHING", "", None)


def _shown(name: str) -> str:
    """Return a name somebody else chose as it can be printed: in one line, and nothing else."""
    return name[:200] if name.isprintable() else ascii(name[:200])


def _small(file: Path, limit: int, stream: str, found: Findings) -> bytes:
    try:
        with file.open("rb") as source:
            return source.read(limit + 1)
    except OSError as exc:
        found.add("VERIFY_FILE", stream, None, file=file.name, reason=_why(exc))
        return b""


def _finder(keys: Iterable[PublicKey], *, unsigned: bool) -> Keys:
    known = {key.keyid: key for key in keys}

    def find(keyid: str, alg: str, received: int) -> PublicKey | str:
        return known.get(keyid, UNCHECKED if unsigned else "not_given")

    return find


def _why(exc: OSError) -> str:
    return exc.strerror or type(exc).__name__
