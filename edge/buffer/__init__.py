"""The durable queue between the poller and the uplink (缓存)."""

from edge.buffer.buffer import Buffer
from edge.buffer.model import Backlog, Budget, Origin, Pending, Stats, StreamStats, WentBack

__all__ = ["Backlog", "Budget", "Buffer", "Origin", "Pending", "Stats", "StreamStats", "WentBack"]
