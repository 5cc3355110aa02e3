"""The gateway's alarms whole: kept, told on the alarm stream, and going on after a kill."""

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from edge.alarms.alarms import LocalAlarms
from edge.alarms.command import show
from edge.alarms.rule_file import FILE as RULES_FILE
from edge.alarms.state_file import FILE, KEPT, StateFile
from edge.buffer import Buffer
from edge.gateway import origin_of
from protocols.alarms.definition import Definition
from protocols.alarms.kinds.rate import Rate
from protocols.alarms.overlay import Shelf
from protocols.alarms.rule import Colour, Level, Rule
from protocols.clock import ClockState
from protocols.quality import Quality
from protocols.wire.acts_told import ActsTold, Over, Seen
from protocols.wire.alarm_events import CODE, read_alarm
from protocols.wire.rule_set import SharedRule, decode_rules, encode_rules
from protocols.wire.rule_talk import digest_of
from protocols.words import Label, Reading, StreamKind
from tests import builders
from tests.edge.alarms.tank import BOOT, SECOND, buses
from tests.edge.waiting import eventually
from tests.fakes import FakeClock

NOBODY = lambda: None  # noqa: E731  # no collector has told its time
RULE = "s1/gw-1/tk-101/level:high"
POINT = "s1/gw-1/tk-101/level"
FAST = (Level(name="快", colour=Colour.RED, op=">", limit=4.0, status="V"),)
SHARED = SharedRule(
    Definition(rule=Rule(id=f"{POINT}:rate", subject=POINT, levels=FAST), kind=Rate(per=1.0)),
    ((POINT, ""),),
)


class Site:
    """One start of a gateway's alarms on a buffer that remembers what it was given."""

    def __init__(self, alarms, told, clock):
        self.alarms = alarms
        self.told = told
        self.clock = clock

    def read(self, value, quality=Quality.GOOD):
        return self.alarms.take([Reading(0, value, int(quality), self.clock.mono())])

    def said(self):
        events = [each for each in self.told if each.code == CODE]
        return [(s.word.value, s.level) for s in map(read_alarm, events)]


class Remembering:
    """A real buffer, and what was appended to its alarm stream."""

    def __init__(self, buffer, told):
        self._buffer = buffer
        self._told = told

    def append(self, kind, items):
        assert kind is StreamKind.ALARM
        self._told += items
        return self._buffer.append(kind, items)

    async def seal(self, kind):
        await self._buffer.seal(kind)


@asynccontextmanager
async def site(folder, clock, boot=BOOT, killed=False, **made):
    config = builders.config(folder, "http://127.0.0.1:9", *buses(**made))
    told = []
    buffer = await Buffer.open(config.buffer, origin_of(config, boot), clock)
    remembering = Remembering(buffer, told)
    place = (config.buffer.folder, NOBODY)
    alarms = await LocalAlarms.open(config.buses, remembering, clock, boot, place)
    tasks = [asyncio.create_task(alarms.run()), asyncio.create_task(buffer.run())]
    try:
        yield Site(alarms, told, clock)
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if not killed:
            await alarms.close()
        else:  # what a kill leaves: the thread's file as it is
            await alarms._keeping._thread.run(alarms._keeping._close)
        await buffer.close()


@pytest.fixture
def clock():
    return FakeClock()


async def test_what_happens_is_told_kept_and_on_the_page(tmp_path, clock):
    async with site(tmp_path, clock) as here:
        assert here.read(5.0).points == frozenset()
        assert here.read(13.0).points == {0}
        await eventually(lambda: here.said() == [("RAISE", "HH")])
        await clock.advance(3 * SECOND)
        here.read(5.0)
        await eventually(lambda: here.said() == [("RAISE", "HH"), ("RTN", "HH")])
        page = await here.alarms.page()
        assert page["standing"] == []
        returned, raised = page["journal"]
        assert raised["text"]["zh"].startswith(
            "【红色报警】06:13 s1/tk-101 level 13.00 m，超过高高报（12.00 m）。请到现场核实"
        )
        assert returned["text"]["en"].startswith("[normal] 06:13 s1/tk-101 level 5.00 m")
        assert (page["rules"], page["journal_gone"], page["failing"]) == (2, 0, None)
        await eventually(lambda: all(line.told for line in here.alarms._keeping.lines))


async def test_what_a_rule_asks_people_to_do_is_on_the_page(tmp_path, clock):
    asks = Label("请立即停止进料，关闭进料阀", "Stop filling and close the inlet valve")
    definition = replace(SHARED.definition, requests=(("快", asks),))
    document = encode_rules([RULE], [SHARED._replace(definition=definition)])
    async with site(tmp_path, clock) as here:
        await here.alarms.judge_by(decode_rules(document), digest_of(document), document)
        here.read(5.0)
        await clock.advance(SECOND)
        here.read(9.5)
        await eventually(lambda: here.said() == [("RAISE", "快")])
        (raised,) = (await here.alarms.page())["journal"]
        assert raised["text"]["zh"].endswith("。请立即停止进料，关闭进料阀。")
        assert raised["text"]["en"].endswith(". Stop filling and close the inlet valve.")


async def test_a_delay_ends_by_the_clock(tmp_path, clock):
    async with site(tmp_path, clock) as here:
        start = clock.mono()
        here.read(11.0)
        await clock.advance(4 * SECOND)
        await eventually(lambda: here.said() == [("RAISE", "H")])
        assert here.told[-1].time == start + 2 * SECOND


@pytest.mark.parametrize("killed", [True, False])
async def test_what_stood_stands_after_a_start_and_is_said_again(tmp_path, clock, killed):
    async with site(tmp_path, clock, killed=killed) as here:
        begun = clock.mono()
        here.read(13.0)
        await eventually(lambda: here.said() == [("RAISE", "HH")])
        key = read_alarm(here.told[0]).standing
    await clock.advance(60 * SECOND)
    async with site(tmp_path, clock, boot="5ec0" * 8) as here:
        await eventually(lambda: ("STANDS", "HH") in here.said())
        again = read_alarm(here.told[-1])
        assert (again.standing, again.age) == (key, 60 * SECOND)
        (shown,) = (await here.alarms.page())["standing"]
        assert (shown["rule"], shown["level"], shown["since"]) == (RULE, "HH", begun)
        here.read(5.0)
        await eventually(lambda: here.said()[-1] == ("RTN", "HH"))
        assert read_alarm(here.told[-1]).standing == key


async def test_what_was_kept_and_not_told_is_told_at_the_next_start(tmp_path, clock):
    async with site(tmp_path, clock) as here:
        here.read(13.0)
        await eventually(lambda: here.said() == [("RAISE", "HH")])
        await eventually(lambda: all(line.told for line in here.alarms._keeping.lines))
    file = StateFile(tmp_path / "buffer")
    _, (line,), _ = file.read()
    file.write([], [line._replace(told=False)], [], 0)
    file.close()
    async with site(tmp_path, clock) as here:
        await eventually(lambda: ("RAISE", "HH") in here.said())
        assert read_alarm(here.told[0]).time == line.time


async def test_contact_says_again_what_stands(tmp_path, clock):
    async with site(tmp_path, clock) as here:
        here.read(13.0)
        await eventually(lambda: here.said() == [("RAISE", "HH"), ("STANDS", "HH")])
        here.alarms.contact()
        await eventually(lambda: len(here.said()) == 3)
        assert here.said()[2:] == [("STANDS", "HH")]


async def test_a_rule_that_is_gone_lets_its_alarm_return(tmp_path, clock):
    async with site(tmp_path, clock) as here:
        here.read(13.0)
        await eventually(lambda: here.said() == [("RAISE", "HH")])
    high = Level(name="XX", colour=Colour.RED, op=">", limit=50.0, status="V")
    async with site(tmp_path, clock, levels=(high,)) as here:
        await eventually(lambda: here.said() == [("RTN", "HH")])


async def test_a_damaged_file_is_put_aside_and_told(tmp_path, clock):
    async with site(tmp_path, clock):
        pass
    (tmp_path / "buffer" / FILE).write_bytes(b"no database" * 1000)
    async with site(tmp_path, clock) as here:
        (event,) = here.told
        assert event.code == "GATEWAY_ALARMS_DAMAGED"
        assert (tmp_path / "buffer" / dict(event.params)["file"]).exists()
        here.read(13.0)
        await eventually(lambda: here.said() == [("RAISE", "HH")])


async def test_a_clock_that_is_set_moves_no_delay(tmp_path):
    class Unset(FakeClock):
        state = ClockState.UNSYNCHRONISED
        off = 0

        def now(self):
            return self.time + self.off

    clock = Unset(5 * SECOND)
    summer = Level(name="S", colour=Colour.RED, op=">", limit=9.0, status="V",
                   valid_from="06-01", valid_to="09-30")  # fmt: skip
    level = Level(name="H", colour=Colour.YELLOW, op="<", limit=8.0, on_delay=10.0, status="V")
    async with site(tmp_path, clock, levels=(level, summer)) as here:
        here.read(7.0)
        await clock.advance(5 * SECOND)
        clock.off, clock.state = 1_780_000_000 * SECOND, ClockState.SYNCHRONISED  # 29 May 2026
        await clock.advance(4 * SECOND)
        assert here.said() == []
        await clock.advance(2 * SECOND)
        await eventually(lambda: here.said() == [("RAISE", "H")])
        assert here.told[-1].time == 15 * SECOND
        here.read(12.0)
        await eventually(lambda: here.said() == [("RAISE", "H"), ("RTN", "H")])
        clock.off += 40 * 86_400 * SECOND
        await clock.advance(2 * SECOND)
        here.read(12.5)
        await eventually(lambda: here.said()[2:] == [("RAISE", "S")])


async def test_the_journal_is_bounded_and_counted(tmp_path, clock):
    async with site(tmp_path, clock) as here:
        for n in range(KEPT // 2 + 10):
            here.read(13.0)
            await clock.advance(1000)
            here.read(5.0)
            await clock.advance(1000)
            if n % 100 == 0:
                await asyncio.sleep(0)
        total = KEPT + 20
        await eventually(lambda: len(here.said()) == total)
        await eventually(lambda: not here.alarms._keeping.owed)
        here.read(13.0)
        await eventually(lambda: here.alarms._keeping.gone > 0)
        page = await here.alarms.page()
        assert page["journal"][0]["n"] == total + 1
    file = StateFile(tmp_path / "buffer")
    _, lines, gone = file.read()
    file.close()
    assert (len(lines) + gone, len(lines)) == (total + 1, KEPT)


async def test_rules_of_the_collector_outlive_a_start_and_a_damaged_file_is_told(tmp_path, clock):
    document = encode_rules([RULE], [SHARED])
    async with site(tmp_path, clock) as here:
        await here.alarms.judge_by(decode_rules(document), digest_of(document), document)
        here.read(5.0)
        await clock.advance(SECOND)
        here.read(9.5)
        await eventually(lambda: here.said() == [("RAISE", "快")])
    async with site(tmp_path, clock) as here:
        assert here.alarms.report() == {
            "version": digest_of(document),
            "judged": 2,
            "left": 0,
            "reason": None,
        }
        (shown,) = (await here.alarms.page())["standing"]
        assert shown["rule"] == SHARED.definition.rule.id
        await eventually(lambda: ("STANDS", "快") in here.said())
    file = tmp_path / "buffer" / RULES_FILE
    file.write_bytes(file.read_bytes()[:-1])
    async with site(tmp_path, clock) as here:
        assert (here.alarms.report()["version"], here.alarms.report()["judged"]) == (None, 2)
        codes = [event.code for event in here.told]
        assert "GATEWAY_RULES_DAMAGED" in codes
        await eventually(lambda: ("REST", "快") in here.said())
        here.read(13.0)
        await eventually(lambda: here.said()[-1] == ("RAISE", "HH"))
    async with site(tmp_path, clock) as here:
        assert "GATEWAY_RULES_DAMAGED" not in [event.code for event in here.told]


async def test_what_cannot_be_judged_here_is_said_and_shown(tmp_path, clock, capsys):
    document = encode_rules([], [SharedRule(SHARED.definition, (("s1/gw-2/x/y", ""),))])
    async with site(tmp_path, clock) as here:
        await here.alarms.judge_by(decode_rules(document), digest_of(document), document)
        (event,) = [each for each in here.told if each.code == "GATEWAY_RULES_LEFT"]
        assert dict(event.params)["reason"] == "RULE_POINT_ELSEWHERE"
        show(await here.alarms.page(), "zh")
    said = capsys.readouterr().out
    assert "另有 1 条只由平台判断" in said
    assert f"{SHARED.definition.rule.id}: RULE_POINT_ELSEWHERE" in said
    assert digest_of(document)[:12] in said


async def test_an_acknowledgement_of_the_centre_is_on_the_page_and_not_told_back(tmp_path, clock):
    async with site(tmp_path, clock) as here:
        here.read(13.0)
        await eventually(lambda: here.said() == [("RAISE", "HH")])
        await clock.advance(5 * SECOND)
        here.alarms.obey(ActsTold((Seen(RULE, 0, clock.now(), "王"),)))
        page = await here.alarms.page()
        assert page["standing"][0]["acknowledged"] == "王"
        assert (page["journal"][0]["word"], page["journal"][0]["told"]) == ("ACK", True)
        assert "王" in page["journal"][0]["text"]["zh"]
        shelf = Shelf(clock.now() + 600 * SECOND)
        here.alarms.obey(ActsTold((), (Over(RULE, shelf, by="王", reason="检修"),)))
        page = await here.alarms.page()
        assert (page["standing"][0]["overlay"], page["journal"][0]["word"]) == ("SHELVED", "SHELVE")
        assert "王（检修）" in page["journal"][0]["text"]["zh"]
        await clock.advance(SECOND)
        assert here.said() == [("RAISE", "HH")]
    async with site(tmp_path, clock) as here:
        assert (await here.alarms.page())["standing"][0]["overlay"] == "SHELVED"
