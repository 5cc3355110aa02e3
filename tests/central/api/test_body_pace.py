"""How slowly a body may come, and that a drip holds no alarm's room."""

import asyncio

import pytest

from central.api.body import GRACE, LEAST, PRESSED, SILENCE, WHOLE, Pace
from central.ingest import admission as rules
from central.ingest.admission import Admission
from central.ingest.figures import Figures


class Hand:
    def __init__(self):
        self.at = 50.0

    def __call__(self):
        return self.at


@pytest.fixture
def now():
    return Hand()


def test_a_line_of_64_kbit_is_never_too_slow(now):
    pace = Pace(now=now)
    for _ in range(100):
        now.at += 1.0
        pace.came(8_000)
        assert pace.left() > 0


def test_a_gateway_may_give_way_to_its_alarms_first(now):
    pace = Pace(now=now)
    pace.came(16_000)
    now.at += GRACE
    pace.came(1_000)
    assert pace.left() > 0


def test_a_byte_now_and_then_is_too_slow(now):
    pace = Pace(now=now)
    for _ in range(11):
        pace.came(1)
        now.at += 1.0
    assert pace.left() <= 0


def test_what_came_at_once_buys_no_silence_and_no_eternity(now):
    pace = Pace(now=now)
    pace.came(int(LEAST * WHOLE))
    assert pace.left() == SILENCE
    now.at += SILENCE
    assert pace.left() <= 0
    steady = Pace(now=now)
    for _ in range(int(WHOLE)):
        now.at += 1.0
        steady.came(LEAST * 2)
    assert steady.left() <= 0


def test_while_alarms_wait_a_body_comes_faster_or_goes(now):
    waiting = []
    pace = Pace(lambda: bool(waiting), now)
    now.at += GRACE + 5
    pace.came(LEAST * 20)
    assert pace.left() > 0
    waiting.append(1)
    assert pace.left() <= 0
    pace.came(PRESSED * 6)
    assert pace.left() > 0


async def test_alarms_that_wait_for_room_say_so(monkeypatch):
    monkeypatch.setattr(rules, "ALARM_BUDGET", 100)
    admission = Admission(Figures())
    async with admission.enter("gw-1", "alarm", 90):
        assert not admission.pressed()
        waiting = admission.enter("gw-2", "alarm", 90)
        second = asyncio.create_task(waiting.__aenter__())
        for _ in range(5):
            await asyncio.sleep(0)
        assert admission.pressed()
    await second
    assert not admission.pressed()
    await waiting.__aexit__(None, None, None)
