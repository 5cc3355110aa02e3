"""What the tables know of a stream's boot and points: where its readings belong."""

import json
import sqlite3
from collections.abc import Iterable
from math import inf
from typing import Final

import numpy as np

from central.evidence.source import StreamRow
from central.ingest import placing
from central.ingest.placement import ALWAYS, Anchor, Placement
from central.store.columns import Integers
from protocols.verify.model import Findings
from protocols.wire.chain import digest
from protocols.wire.header import Header

MANIFESTS: Final = 8
"""Manifests whose points are remembered at once."""


class Known:
    """Read from the tables once, and remembered."""

    def __init__(self, conn: sqlite3.Connection, findings: Findings) -> None:
        self._conn = conn
        self._findings = findings
        self._manifests: dict[str, Integers] = {}
        self._boots: dict[tuple[str, str], list[tuple[int, float, Anchor]]] = {}

    def seen(self) -> Iterable[Integers]:
        """Return the numbers of the manifests that are remembered."""
        return self._manifests.values()

    def sealed(self, stream: StreamRow, received: int, mono0: int) -> int:
        """Return when a batch was opened, µs UTC as it was placed."""
        known = self.placement(stream, received)
        return received if known is None else known.place(mono0)

    def placement_of(self, stream: StreamRow, received: int, header: Header) -> Placement | None:
        """Return what placed a batch that came at `received`."""
        return self.placement(stream, received) or placing.header_placement(header)

    def placement(self, stream: StreamRow, received: int) -> Placement | None:
        """Return what was known of the stream's boot when the batch came."""
        key = (stream.gateway, stream.boot)
        if key not in self._boots:
            self._boots[key] = self._anchors(*key)
        anchors = {
            (anchor.since, anchor.mono): anchor
            for learned, voided, anchor in self._boots[key]
            if anchor.mono == ALWAYS or learned <= received < voided
        }
        if not anchors:
            return None
        return Placement(tuple(sorted(anchors.values(), key=lambda anchor: anchor.mono)))

    def _anchors(self, gateway: str, boot: str) -> list[tuple[int, float, Anchor]]:
        first = self._conn.execute(
            "SELECT learned, clock_offset FROM boot WHERE gateway = ? AND boot = ?", (gateway, boot)
        ).fetchone()
        if first is None:
            return []
        more = self._conn.execute(
            "SELECT learned, voided, since, mono, clock_offset FROM boot_anchor "
            "WHERE gateway = ? AND boot = ? ORDER BY id",
            (gateway, boot),
        )
        found = [(int(first[0]), inf, Anchor(ALWAYS, ALWAYS, int(first[1])))]
        return found + [
            (learned, inf if voided is None else voided, Anchor(*anchor))
            for learned, voided, *anchor in more
        ]

    def numbers(self, stream: StreamRow) -> Integers | None:
        """Return the numbers of the manifest's points by their names, once it proved itself."""
        known = self._manifests.get(stream.manifest)
        if known is not None:
            return known
        row = self._conn.execute(
            "SELECT body, numbers FROM manifest WHERE digest = ?", (stream.manifest,)
        ).fetchone()
        if row is None or digest(row[0]).hex() != stream.manifest:
            self._findings.add("VERIFY_MANIFEST", stream.id, 0, manifest=stream.manifest)
            return None
        ids = [
            f"{point['site']}/{stream.gateway}/{point['device']}/{point['name']}"
            for point in json.loads(row[0])["points"]
        ]
        found = [
            self._conn.execute("SELECT number FROM point WHERE id = ?", (name,)).fetchone()
            for name in ids
        ]
        numbers = np.array([-1 if each is None else each[0] for each in found], np.int64)
        if row[1] is not None and row[1] != numbers.astype("<i8").tobytes():
            self._findings.add("VERIFY_MANIFEST", stream.id, 0, manifest=stream.manifest)
        if len(self._manifests) >= MANIFESTS:
            self._manifests.pop(next(iter(self._manifests)))
        self._manifests[stream.manifest] = numbers
        return numbers

    def name(self, point: int) -> str:
        """Return the PointId of a number."""
        row = self._conn.execute("SELECT id FROM point WHERE number = ?", (point,)).fetchone()
        return f"#{point}" if row is None else str(row[0])
