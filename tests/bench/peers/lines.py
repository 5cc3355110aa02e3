"""The plant's readings in InfluxDB's line protocol, which VictoriaMetrics takes too."""

from collections.abc import Iterator, Sequence

from tests.bench.central.plant import ALL, POINTS, Scans, gateway_name, place
from tests.bench.central.sealing import http

PATH = "/write?db=bench&precision=ms"


def prefixes() -> list[str]:
    """Return what stands before the values of each point."""
    names = []
    for point in range(ALL):
        device, name = place(point % POINTS)
        names.append(f"r,g={gateway_name(point // POINTS)},p={device}.{name} v=")
    return names


def numbered() -> list[str]:
    """Return the same by a number alone."""
    return [f"r,p={point} v=" for point in range(ALL)]


def requests(
    scans: Scans, first: int, period: int, size: int, names: Sequence[str]
) -> Iterator[bytes]:
    """Yield requests of `size` readings, value and quality of each, scan after scan."""
    times = scans.times(first, period) // 1_000
    held: list[str] = []
    for scan in range(len(scans)):
        rows = zip(
            names,
            (scans.cents[scan] / 100).tolist(),
            scans.qualities[scan].tolist(),
            times[scan].tolist(),
            strict=True,
        )
        held += [f"{name}{value},q={quality}i {time}" for name, value, quality, time in rows]
        for start in range(0, len(held) - size + 1, size):
            yield http(PATH, "\n".join(held[start : start + size]).encode(), {})
        held = held[len(held) // size * size :]


def dealt(all_of_them: Iterator[bytes], lines: int) -> list[list[bytes]]:
    """Deal requests out to so many connections in turn."""
    made: list[list[bytes]] = [[] for _ in range(lines)]
    for nth, each in enumerate(all_of_them):
        made[nth % lines].append(each)
    return made
