"""A request's body made ready to be written (pure): read, judged, minted.

Bodies are untrusted; this runs in a thread of the door's own.
"""

import hashlib
import json
from dataclasses import dataclass

from central.door import bounds, minting, quick
from central.door.csv_table import read_csv
from central.door.judging import Points, judge, points_of
from central.door.minting import Mint
from central.door.table import Table
from central.door.taking import Request
from protocols.wire.manifest import decode_manifest
from protocols.words import Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A request for readings as it came; `kind` is json or csv."""

    key: str
    kind: str
    charset: str
    purpose: Purpose
    body: bytes

    def keyed(self, token: str) -> tuple[str, bytes]:
        """Return the stream a token's key names, and what tells two bodies under it apart."""
        said = hashlib.sha256(f"{self.kind}\n{self.charset}\n{self.purpose.name}\n".encode())
        said.update(self.body)
        return minting.stream_of(token, self.key), said.digest()


def _read(posted: Posted) -> Table:
    if posted.kind == "csv":
        return read_csv(posted.body, posted.charset)
    return quick.read(posted.body)


def read_points(digest: str, body: bytes) -> Points:
    """Return what readings are held against, from a manifest as it is kept."""
    return points_of(digest, decode_manifest(body))


def prepare(
    posted: Posted, key: tuple[str, bytes], table: Table | None, points: Points | None, mint: Mint
) -> tuple[Table, Request | None]:
    """Return the table (read, where it is not yet) and what is to be written of it.

    Raises IngestError DOOR_BODY, DOOR_TOO_MANY, DOOR_MANIFEST.
    """
    table = table or _read(posted)
    if points is None:
        return table, None
    stream, digest = key
    judged = judge(table, points, mint.now)
    opened = minting.opening(stream, points.digest, mint)
    batches = None
    if len(judged.accepted):
        batches = minting.prepared(opened.body, judged.accepted, points, mint)
    return table, Request(
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
