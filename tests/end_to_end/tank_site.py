"""A real gateway, a real collector, tanks, and a line between them that can be cut.

Both processes live by a story's clock: twenty minutes pass in ten seconds.
"""

import asyncio
import http.client
import json
import threading
from collections.abc import Coroutine
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import numpy as np

from edge import local_http
from protocols.clock import SECOND, Pace, StoryClock, SystemClock
from protocols.simulators.collector_door import DoorClosed
from tests.clock import site as clocks
from tests.edge.waiting import eventually
from tests.gauntlet.processes import quiet_port

FAST: Final = 120.0
AHEAD: Final = 2 * SECOND
"""Real time until a new pace begins: whoever is held up for longer would set its clock back."""
RULE: Final = "s1/gw-1/d1/level:high"
POINT: Final = "s1/gw-1/d1/level"
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


class Tanks(clocks.Plant):
    """Answer every read with their level; `levels` are those of single tanks, by address, and those
    that are `dead` say nothing.
    """

    level = 50

    def __init__(self) -> None:
        super().__init__()
        self.levels: dict[int, int] = {}
        self.dead: set[int] = set()
        self._own = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._own.run_forever, daemon=True)

    async def listen(self, host: str, port: int, framing: str) -> None:
        """Listen in a thread of its own: who waits for processes must not make tanks silent."""
        self._thread.start()
        await self._there(super().listen(host, port, framing))

    async def close(self) -> None:
        if not self._thread.is_alive():
            return
        await self._there(super().close())
        self._own.call_soon_threadsafe(self._own.stop)
        await asyncio.to_thread(self._thread.join)
        self._own.close()

    async def _there(self, work: Coroutine[Any, Any, None]) -> None:
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._own))

    def answer(self, body: bytes) -> tuple[bytes, float] | None:
        if body[0] in self.dead:
            return None
        data = np.array([self.levels.get(body[0], self.level)], ">u4").tobytes()
        return body[:2] + bytes([len(data)]) + data, 0.0


ACCEPTED = 10
"""Turns of the loop after which a connection that was being accepted is carried."""


class Line:
    """What lies between the gateway and the collector; refuses the port while it is cut."""

    def __init__(self, port: int, beyond: int) -> None:
        self.port = port
        self._beyond = beyond
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._carried: set[asyncio.Task[Any]] = set()

    async def join(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)

    async def cut(self) -> None:
        """Refuse the port, and let go of every connection: none is left when this returns."""
        if self._server is not None:
            for listening in self._server.sockets:
                self._server.get_loop().remove_reader(listening.fileno())
            for _ in range(ACCEPTED):  # what is being accepted while it closes nobody ever closes
                await asyncio.sleep(0)
            self._server.close()
        self._server = None
        while self._carried:
            for writer in self._open:
                writer.close()
            await asyncio.wait(self._carried, timeout=0.1)
        await asyncio.sleep(0)  # sockets are closed a turn of the loop after their writers

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends, task = {writer}, asyncio.current_task()
        assert task is not None
        self._carried.add(task)
        self._open.add(writer)
        with suppress(OSError, asyncio.CancelledError):
            far, near = await asyncio.open_connection("127.0.0.1", self._beyond)
            ends.add(near)
            self._open.add(near)
            await asyncio.gather(_pipe(reader, near), _pipe(far, writer))
        self._open -= ends
        for end in ends:
            end.transport.abort()  # what a dead process does not read is not waited for
        self._carried.discard(task)


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


class TankSite(clocks.Site):
    """Tanks d1, d2 and so on; both processes live by the story of `paces.json`."""

    def __init__(self, folder: Path, tanks: int = 1) -> None:
        super().__init__(folder)
        self.plant: Tanks = Tanks()
        self._tanks = tanks
        self._acts = 0
        self.line = Line(quiet_port(), self.port)
        self._story = folder / "paces.json"
        now = SystemClock().now()
        self._paces = [Pace(now, now, 1.0)]
        self._tell()
        (folder / "tank.yaml").write_text(PROFILE, encoding="utf-8")

    @property
    def tanks(self) -> range:
        """Return their numbers."""
        return range(1, self._tanks + 1)

    @property
    def clock(self) -> StoryClock:
        return StoryClock(self._paces)

    def pace(self, factor: float) -> None:
        """Go on at another pace, so far ahead that both processes hear of it in time."""
        real = SystemClock().now() + AHEAD
        self._paces.append(Pace(real, self.clock.at(real), factor))
        self._tell()

    async def cut(self) -> int:
        """Cut the line, let time fly; returns when that was."""
        await self.line.cut()
        self.pace(FAST)
        return self.clock.now()

    async def mend(self) -> None:
        """Let time go as it does, then mend the line."""
        self.pace(1.0)
        await eventually(lambda: self.clock.factor == 1.0)
        await self.line.join()

    async def until(self, story: int) -> None:
        await eventually(lambda: self.clock.now() >= story, 60)

    def _tell(self) -> None:
        said = [{"real": p.real, "story": p.story, "factor": p.factor} for p in self._paces]
        fresh = self._story.with_suffix(".new")
        fresh.write_text(json.dumps(said), encoding="ascii")
        fresh.replace(self._story)

    def _edge(self) -> str:
        made = super()._edge().replace(f"127.0.0.1:{self.port}", f"127.0.0.1:{self.line.port}")
        made = made.replace("timeout: 2", "timeout: 1")
        one = "      - {name: d1, profile: moment, device_id: 1}\n"
        tanks = (f"      - {{name: d{n}, profile: tank, device_id: {n}}}\n" for n in self.tanks)
        return made.replace(one, "".join(tanks))

    def _start(self, who: str, words: list[str], env: dict[str, str]) -> None:
        super()._start(who, [*words, *self._clock_of()], env)

    def _clock_of(self) -> list[str]:
        return ["--story", str(self._story)]

    def have(self, rule: dict[str, Any]) -> None:
        """Let a rule of the library hold at the point."""
        ask, reason, id_ = self.door.ask, "断网验证", rule["id"]
        ask("POST", "/api/v1/rules", {"rule": rule, "reason": reason})
        levels = [{"name": level["name"]} for level in rule["levels"]]
        said = {"levels": levels, "version": 1, "reason": reason}
        ask("POST", f"/api/v1/rules/{id_}/confirm", said)
        place = {"rule": id_, "scope": "point", "at": POINT, "reason": reason}
        ask("POST", "/api/v1/attachments", place)

    def act(self, path: str, body: dict[str, Any]) -> Any:
        """Do what a person does with alarms, under a key of its own."""
        self._acts += 1
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as asked:
            headers = {
                "X-Requested-With": "fengsui",
                "Content-Type": "application/json",
                "Cookie": self.door._cookie,
                "Idempotency-Key": f"act-of-a-test-{self._acts}",
            }
            asked.request("POST", f"/api/v1/alarms/{path}", json.dumps(body), headers)
            answer = asked.getresponse()
            content = json.loads(answer.read())
        assert answer.status < 300, content
        return content

    def lay(self, rule: str, act: str, **more: Any) -> None:
        """Do something with the alarm of a rule, whether it stands or not."""
        self.act("overlays", {"rule": rule, "act": act, "reason": "断网验证", **more})

    async def acknowledge_there(self, rule: str, by: str) -> None:
        """Acknowledge over the gateway's own socket."""
        query = urlencode({"rule": rule, "by": by})
        await local_http.ask(self.folder / "buffer", f"/alarms/acknowledge?{query}", "POST")

    def judged(self) -> tuple[bool, int | None]:
        """Whether the gateway judges by what it should, and by how many rules."""
        told = self.door.ask("GET", "/api/v1/gateways/gw-1/rules")
        return told["current"], told["judged"]

    def episodes(self) -> list[dict[str, Any]]:
        names = (
            "number, rule, state, level, raised, returned, late, origin, confirmation, id, "
            "acknowledged"
        )
        rows = self._read(
            f"SELECT {names} FROM episode WHERE rule NOT LIKE 'fault:%' ORDER BY number"
        )
        found = [dict(zip(names.split(", "), row, strict=True)) for row in rows]
        return [each | {"level": json.loads(each["level"])["name"]} for each in found]

    def devices(self) -> list[str]:
        """Return the states of the tanks as the gateway reported them last."""
        ((body,),) = self._read("SELECT health FROM gateway WHERE name = 'gw-1'")
        (bus,) = json.loads(body)["buses"]
        return [device["state"] for device in bus["devices"]]

    def faults(self) -> set[str]:
        """Return the rules of faults that have not returned."""
        rows = self._read("SELECT rule FROM episode WHERE rule LIKE 'fault:%' AND returned IS NULL")
        return {rule for (rule,) in rows}

    def story_of(self, *left_out: str) -> dict[str, list[tuple[int, str, str | None]]]:
        """Return the centre's journal by rule: which of its episodes, word, level."""
        rows = self._read("SELECT rule, episode, event, level FROM alarm_journal ORDER BY id")
        told: dict[str, list[tuple[int, str, str | None]]] = {}
        numbers: dict[str, list[int]] = {}
        for rule, episode, event, level in rows:
            if event not in left_out:
                known = numbers.setdefault(rule, [])
                if episode not in known:
                    known.append(episode)
                told.setdefault(rule, []).append((known.index(episode), event, level))
        return told

    def episodes_of(self, rule: str) -> list[dict[str, Any]]:
        return [each for each in self.episodes() if each["rule"] == rule]

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

    def journal_of_gateway(self, rule: str) -> list[str]:
        """Return what its journal says of a rule, the oldest first."""
        lines = self.page_of_gateway()["journal"]
        return [line["word"] for line in reversed(lines) if line["rule"] == rule]

    def page_of_gateway(self) -> Any:
        return self.page.ask("GET", "/alarms")
