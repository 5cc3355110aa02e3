"""The gateway's figures in the text format, read back by the library a scraper would use."""

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from edge.buffer import Buffer
from edge.health import Health
from edge.link_state import LinkState
from edge.metrics_page import escaped, metrics_text
from edge.roster import Roster
from protocols.words import Reading, StreamKind
from tests import builders
from tests.edge.buffer_suite import ORIGIN
from tests.fakes import FakeClock


async def picture(tmp_path: Path) -> dict[str, object]:
    device = builders.device("tk-101", (builders.point(0),))
    config = builders.config(tmp_path, "http://127.0.0.1:1", builders.bus(device))
    clock = FakeClock()
    buffer = await Buffer.open(config.buffer, ORIGIN, clock)
    buffer.append(StreamKind.DATA, [Reading(0, 1.0, 0, 0)] * 3)
    await buffer.seal(StreamKind.DATA)
    roster = Roster.of(config.buses)
    roster.buses["bus-1"].counting = lambda: {"queue_full": 2}
    health = Health(config, buffer, roster, LinkState(), clock, "ab" * 16)
    page = await health.page()
    await buffer.close()
    return page


async def test_a_scraper_reads_every_line(tmp_path: Path) -> None:
    page = metrics_text(await picture(tmp_path))
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }
    assert found["fengsui_backlog_readings", "data"] == 3
    assert found["fengsui_buffer_quota_bytes",] == 1 << 30
    assert found["fengsui_buffer_medium", "ok"] == 1
    assert found["fengsui_buffer_medium", "failing"] == 0
    assert found["fengsui_drops_total", "driver"] == 2
    assert found["fengsui_bus_losses_total", "bus-1", "queue_full"] == 2
    assert found["fengsui_device_online", "s1", "tk-101"] == 0
    assert found["fengsui_uplink_up",] == 0
    assert found["fengsui_clock_synchronised",] == 1
    assert found["fengsui_pauses_total",] == 0
    assert found["process_resident_memory_bytes",] > 0


def test_labels_are_escaped() -> None:
    assert escaped('a"b\\c\nd') == 'a\\"b\\\\c\\nd'
