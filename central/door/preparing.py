"""A request's body made ready to be written (pure): read, judged, minted.

Bodies are untrusted. What is small and common is read where it was received; all else in a thread
of the door's own.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Final

from central.door import bounds, minting, quick
from central.door.csv_table import read_csv
from central.door.judging import Judged, Points, judge_scan, points_of
from central.door.minting import Mint
from central.door.names import KnownNames
from central.door.table import Table
from central.door.taking import Request
from protocols.wire.manifest import decode_manifest
from protocols.words import Purpose

SMALL: Final = 160 << 10
"""Bytes of a body that is read on the event loop: some milliseconds ..."""
LIGHT: Final = 2_500
"""... if it holds no more readings ..."""
FEW: Final = 64
"""... and no more cells of a column have to be looked at one by one."""
Key = tuple[str, bytes]
"""The stream a token's key names, and what tells two bodies under it apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A request for readings as it came; `kind` is json or csv."""

    key: str
    kind: str
    charset: str
    purpose: Purpose
    body: bytes

    def keyed(self, token: str) -> Key:
        """Return the request's key."""
        said = hashlib.sha256(f"{self.kind}\n{self.charset}\n{self.purpose.name}\n".encode())
        said.update(self.body)
        return minting.stream_of(token, self.key), said.digest()


def _read(posted: Posted, known: KnownNames) -> Table:
    if posted.kind == "csv":
        return read_csv(posted.body, posted.charset)
    return quick.read(posted.body, known)


def read_points(digest: str, body: bytes) -> Points:
    """Return what readings are held against, from a manifest as it is kept."""
    return points_of(digest, decode_manifest(body))


def read_light(posted: Posted, known: KnownNames) -> Table | None:
    """Return the table of a common body that is read in no time; None: it is for the thread."""
    if posted.kind != "json" or len(posted.body) > SMALL:
        return None
    try:
        table = quick.quick(posted.body, known, FEW)
    except quick.GIVEN_UP:
        return None
    return table if len(table.points) <= LIGHT else None


def prepare_light(key: Key, table: Table, points: Points, mint: Mint) -> Request | None:
    """Return what is to be written of such a table; None where readings are put aside.

    Raises IngestError DOOR_MANIFEST.
    """
    judged = judge_scan(table, points, mint.now)
    return None if judged.aside else _request(key, table, points, mint, judged)


def prepare(  # what came, under which key, and what is known of it
    posted: Posted,
    key: Key,
    known: KnownNames,
    table: Table | None,
    points: Points | None,
    mint: Mint,
) -> tuple[Table, Request | None]:
    """Return the table (read, where it is not yet) and what is to be written of it.

    Raises IngestError DOOR_BODY, DOOR_TOO_MANY, DOOR_MANIFEST.
    """
    table = table or _read(posted, known)
    if points is None:
        return table, None
    return table, _request(key, table, points, mint, judge_scan(table, points, mint.now))


def _request(  # whose, what it says, and what goes in
    key: Key, table: Table, points: Points, mint: Mint, judged: Judged
) -> Request:
    stream, digest = key
    opened = minting.opening(stream, points.digest, mint)
    batches = None
    if len(judged.accepted):
        batches = minting.prepared(opened.body, judged.accepted, points, mint)
    return Request(
        stream=stream,
        digest=digest,
        mint=mint,
        opened=opened,
        points=points,
        judged=judged,
        aside=[_detail(item.place, table.sources(item.place)) for item in judged.aside],
        batches=batches,
    )


def _detail(place: int, source: object) -> str:
    """Return a reading put aside as the quarantine keeps it: what was sent, within bounds."""
    try:
        sent = json.dumps(source, ensure_ascii=False, default=lambda _: "?")
    except (ValueError, RecursionError):
        sent = '"?"'
    sent = sent.encode("utf-8", "backslashreplace").decode()
    if len(sent) > bounds.KEPT:
        return json.dumps({"index": place, "cut": sent[: bounds.KEPT]}, ensure_ascii=False)
    return f'{{"index": {place}, "sent": {sent}}}'
