"""A real gateway, a real collector, a tank, and a line between them that can be cut.

Twenty minutes pass in ten seconds, by the story's clock.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from protocols.clock import SECOND, Pace, StoryClock, SystemClock
from protocols.simulators.collector_door import DoorClosed
from tests.clock import site as clocks
from tests.edge.waiting import eventually
from tests.gauntlet.processes import quiet_port

pytestmark = pytest.mark.slow
FAST: Final = 120.0
CUT: Final = 20 * 60 * SECOND
RULE: Final = "s1/gw-1/d1/level:high"
POINT: Final = "s1/gw-1/d1/level"
RATE: Final = {
    "id": "own.rate", "label": {"zh": "液位变化过快"}, "quantity": ["tank_level"], "unit": "m",
    "kind": "rate", "per": 60, "source": "断网验证",
    "levels": [{"name": "过快", "colour": "red", "op": ">", "limit": 2, "off_delay": 30,
                "status": "D"}],
}  # fmt: skip
LATELY: Final = {
    "id": "own.lately", "label": {"zh": "半小时内到过"}, "quantity": ["tank_level"], "unit": "m",
    "kind": "window", "aggregate": "max", "window": 1800, "allowed_lateness": 1800,
    "source": "断网验证",
    "levels": [{"name": "到过", "colour": "red", "op": ">=", "limit": 60, "status": "D"}],
}  # fmt: skip
PROFILE: Final = """format: v1
protocol: modbus
label: {zh: 储罐, en: Tank}
vendor: example
model: TANK
firmware: "1"
source: 断网验证
scan: 2
points:
  - name: level
    label: {zh: 液位, en: Level}
    quantity: tank_level
    unit: m
    type: int
    range: [0, 200]
    deadband: 3
    heartbeat: 60
    address: {table: holding, address: 0, type: uint32}
    limits:
      - {name: H, limit: 80, on_delay: 5, colour: yellow, status: V, source: 断网验证, clause: "1"}
      - {name: HH, limit: 90, deadband: 2, colour: red, status: V, source: 断网验证, clause: "1"}
"""


class Tank(clocks.Plant):
    """Answers every read with its level."""

    level = 50

    def answer(self, body: bytes) -> tuple[bytes, float] | None:
        data = np.array([self.level], ">u4").tobytes()
        return body[:2] + bytes([len(data)]) + data, 0.0


class Line:
    """What lies between the gateway and the collector; refuses the port while it is cut."""

    def __init__(self, port: int, beyond: int) -> None:
        self.port = port
        self._beyond = beyond
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def join(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)

    async def cut(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in self._open:
            writer.close()
        self._server = None

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            far, near = await asyncio.open_connection("127.0.0.1", self._beyond)
            self._open |= {writer, near}
            with suppress(asyncio.CancelledError):
                await asyncio.gather(_pipe(reader, near), _pipe(far, writer))
            self._open -= {writer, near}


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


class Site(clocks.Site):
    """Both processes live by the story of `paces.json`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.plant: Tank = Tank()
        self.line = Line(quiet_port(), self.port)
        self._story = folder / "paces.json"
        now = SystemClock().now()
        self._paces = [Pace(now, now, 1.0)]
        self._tell()
        (folder / "tank.yaml").write_text(PROFILE, encoding="utf-8")

    @property
    def clock(self) -> StoryClock:
        return StoryClock(self._paces)

    def pace(self, factor: float) -> None:
        """Go on at another pace from half a second ahead."""
        real = SystemClock().now() + SECOND // 2
        self._paces.append(Pace(real, self.clock.at(real), factor))
        self._tell()

    async def until(self, story: int) -> None:
        await eventually(lambda: self.clock.now() >= story, 60)

    def _tell(self) -> None:
        said = [{"real": p.real, "story": p.story, "factor": p.factor} for p in self._paces]
        fresh = self._story.with_suffix(".new")
        fresh.write_text(json.dumps(said), encoding="ascii")
        fresh.replace(self._story)

    def _edge(self) -> str:
        made = super()._edge().replace(f"127.0.0.1:{self.port}", f"127.0.0.1:{self.line.port}")
        return made.replace("profile: moment", "profile: tank")

    def _start(self, who: str, words: list[str], env: dict[str, str]) -> None:
        super()._start(who, [*words, "--story", str(self._story)], env)

    def have(self, rule: dict[str, Any]) -> None:
        """Let a rule of the library hold at the point."""
        ask, reason, id_ = self.door.ask, "断网验证", rule["id"]
        ask("POST", "/api/v1/rules", {"rule": rule, "reason": reason})
        levels = [{"name": level["name"]} for level in rule["levels"]]
        said = {"levels": levels, "version": 1, "reason": reason}
        ask("POST", f"/api/v1/rules/{id_}/confirm", said)
        place = {"rule": id_, "scope": "point", "at": POINT, "reason": reason}
        ask("POST", "/api/v1/attachments", place)

    def judged(self) -> tuple[bool, int | None]:
        """Whether the gateway judges by what it should, and by how many rules."""
        told = self.door.ask("GET", "/api/v1/gateways/gw-1/rules")
        return told["current"], told["judged"]

    def episodes(self) -> list[dict[str, Any]]:
        names = "number, state, level, raised, returned, late, origin, confirmation"
        rows = self._read(
            f"SELECT {names} FROM episode WHERE rule NOT LIKE 'fault:%' ORDER BY number"
        )
        found = [dict(zip(names.split(", "), row, strict=True)) for row in rows]
        return [each | {"level": json.loads(each["level"])["name"]} for each in found]

    def words(self, number: int) -> list[str]:
        rows = self._read(f"SELECT event FROM alarm_journal WHERE episode = {number} ORDER BY id")
        return [word for (word,) in rows]

    def live(self) -> list[Any]:
        """The rule's live alarm as the engine keeps it."""
        rows = self._read("SELECT body FROM condition WHERE rule = ? AND stream = 0", RULE)
        return [json.loads(body)["alarm"] for (body,) in rows]

    def standings(self) -> list[Any]:
        return self._read("SELECT standing, returned FROM gateway_standing ORDER BY raised")

    def standing_at_gateway(self) -> list[Any]:
        try:
            return list(self.page_of_gateway()["standing"])
        except (OSError, DoorClosed):
            return []

    def page_of_gateway(self) -> Any:
        return self.page.ask("GET", "/alarms")


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    made = Site(tmp_path)
    try:
        await made.open()
        await made.line.join()
        made.start_gateway()
        await made.more(1)
        yield made
    finally:
        await made.line.cut()
        await made.close()


async def test_a_cut_of_twenty_minutes_with_the_tank_at_hh_inside_it(site: Site) -> None:
    before = site.live()
    begun = await cut(site)
    site.plant.level = 95
    await site.until(begun + CUT // 2)
    site.plant.level = 50
    await site.until(begun + CUT)
    await mend(site)
    await eventually(lambda: bool(site.episodes()), 60)
    await eventually(lambda: site.episodes()[0]["confirmation"] in ("", "confirmed"), 60)
    await eventually(lambda: site.buffered() == 0, 60)
    (episode,) = site.episodes()
    words = site.words(episode["number"])
    assert (episode["state"], episode["level"], episode["late"]) == ("NORMAL", "HH", 1), words
    assert "JOINED" in site.words(episode["number"])
    assert episode["returned"] - episode["raised"] > CUT // 4
    assert site.live() == before
    assert [line["word"] for line in reversed(site.page_of_gateway()["journal"])][-1] == "RTN"
    await still_stands_after_another_cut(site)


async def still_stands_after_another_cut(site: Site) -> None:
    """The same with HH still standing at its end: one live alarm."""
    begun = await cut(site)
    site.plant.level = 95
    await site.until(begun + CUT)
    await mend(site)
    await eventually(lambda: len(site.episodes()) == 2, 60)
    await eventually(lambda: site.buffered() == 0, 60)
    await eventually(lambda: "JOINED" in site.words(site.episodes()[1]["number"]), 60)
    _, live = site.episodes()
    assert (live["state"], live["level"], live["late"]) == ("UNACK", "HH", 0)
    await eventually(lambda: site.episodes()[1]["raised"] < begun + CUT // 2, 60)
    (standing,) = site.page_of_gateway()["standing"]
    assert (standing["rule"], standing["level"]) == (RULE, "HH")
    site.plant.level = 50
    await eventually(lambda: site.episodes()[1]["state"] == "RTN_UNACK", 60)
    assert len(site.episodes()) == 2


async def test_a_rate_and_a_window_of_the_library_in_a_cut_of_twenty_minutes(site: Site) -> None:
    """Told to the gateway, raised there while the line is cut: one episode each, live if it stands.

    Both stay below the manifest's own limits.
    """
    for rule in (RATE, LATELY):
        site.have(rule)
    await eventually(lambda: site.judged() == (True, 3), 60)
    begun = await cut(site)
    site.plant.level = 70
    await site.until(begun + CUT // 2)
    assert len(site.standing_at_gateway()) == 1, "the window's; the rate is over"
    site.plant.level = 50
    await site.until(begun + CUT)
    words = [(line["rule"], line["word"]) for line in site.page_of_gateway()["journal"]]
    assert sorted(words) == [
        (f"{POINT}:own.lately", "RAISE"),
        (f"{POINT}:own.rate", "RAISE"),
        (f"{POINT}:own.rate", "RTN"),
    ]
    await mend(site)
    await eventually(lambda: len(site.episodes()) == 2, 60)
    await eventually(lambda: site.buffered() == 0, 60)
    done = ("", "confirmed")
    await eventually(lambda: all(e["confirmation"] in done for e in site.episodes()), 90)
    rate, lately = sorted(site.episodes(), key=lambda episode: episode["level"] == "到过")
    assert (rate["state"], rate["level"], rate["late"]) == ("NORMAL", "过快", 1)
    assert rate["returned"] - rate["raised"] < CUT // 4
    assert (lately["state"], lately["level"], lately["late"]) == ("UNACK", "到过", 0)
    await eventually(lambda: all(e["raised"] < begun + CUT // 2 for e in site.episodes()), 60)
    assert len(site.episodes()) == 2


async def cut(site: Site) -> int:
    """Cut the line, let time fly; returns when that was."""
    await site.line.cut()
    site.pace(FAST)
    return site.clock.now()


async def mend(site: Site) -> None:
    """Let time go as it does, then mend the line."""
    site.pace(1.0)
    await eventually(lambda: site.clock.factor == 1.0)
    await site.line.join()


async def test_a_killed_gateway_goes_on_with_the_same_alarm(site: Site) -> None:
    site.plant.level = 95
    await eventually(lambda: [each["level"] for each in site.episodes()] == ["HH"], 60)
    await eventually(lambda: bool(site.standings()), 60)
    site.stop("gateway", kill=True)
    site.start_gateway()
    await eventually(lambda: bool(site.standing_at_gateway()), 60)
    (before,) = site.standings()
    site.plant.level = 50
    await eventually(lambda: site.episodes()[0]["state"] == "RTN_UNACK", 60)
    await eventually(lambda: site.standings()[0][1] is not None, 60)
    assert [key for key, _ in site.standings()] == [before[0]], "one standing, and its end"
    assert len(site.episodes()) == 1
