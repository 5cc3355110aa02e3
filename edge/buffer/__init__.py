"""The durable queue between the poller and the uplink (缓存).

Its modules, in the order a reading meets them; whoever is new reads `buffer`, `store`, `streams`.

The face
    `buffer` (async; wires the rest), `model` (what goes in and comes out).
In: from `append` to durable
    `drawer` collects, `sealing` decides when, `seal` makes batches, `turns` lets alarms commit
    first, `writer` numbers and stores them in the live stream.
What is known
    `store` composes everything below for the buffer's one thread, `holdings` is what it shares,
    `streams` one stream's parts, skips and cursors, `load` rebuilds that at a start.
On the medium
    `folder` holds the files; `file`, `alarm_file`, `rows`, `format`, `sqlite` are one of them;
    `look`, `making`, `migrations`, `numbers` open, make and bring them forward; `faults` says in
    our words what the medium did.
Out: to the collector and back
    `routes` asks both sides, `delivery` hands out batches and takes answers, `heads` finds chain
    heads again, `resend` offers what turned up after its skip.
Room
    `tending` comes round in time, `housekeeping` persists cursors and frees what is safe, `backlog`
    counts what waits; `quota` chooses what goes and `relief` works it off: `thinning` (pure) and
    `rewriting`, or `dropping` with its `ledger`; `ballast` is let go of when nothing else is left.
When the medium fails
    `sides` holds both sides, `medium` opens the store anew, `lifeboat` and `memory` take its place,
    `waiting` knows who is not durable yet, `overflow` what goes when memory is full, `rescue`
    brings everything ashore.
When a file is damaged, of later, or not ours
    `quarantine` and `strangers` put it aside; `salvager` has it read page by page (`salvage`,
    `pages`, `cells`) and put back (`restoring`).

A test (tests/edge/test_buffer_files.py) sees to it that each module is named here.
"""

from edge.buffer.buffer import Buffer
from edge.buffer.model import Backlog, Budget, Origin, Pending, Stats, StreamStats, WentBack

__all__ = ["Backlog", "Budget", "Buffer", "Origin", "Pending", "Stats", "StreamStats", "WentBack"]
