"""A gateway that does not run for a while: its process is held while the world goes on.

`FENGSUI_PAUSE=600` makes the pause as long as the promise speaks of; by itself it is shorter.
"""

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.clock.site import SECOND, Site
from tests.edge.waiting import eventually

pytestmark = pytest.mark.slow
PAUSE = float(os.environ.get("FENGSUI_PAUSE", "7"))
WITHIN = 2 * SECOND


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    made = Site(tmp_path)
    try:
        await made.open()
        yield made
    finally:
        await made.close()


async def test_what_was_asked_before_a_pause_does_not_pass_for_now(site: Site) -> None:
    site.start_gateway()
    await site.more(10)
    begun = max(row.truth for row in site.rows())
    site.hold()
    try:
        await never_for(PAUSE)
    finally:
        site.release()
    await eventually(lambda: bool(site.events("GATEWAY_PAUSED")), 60)
    await site.more(10)
    rows = site.rows()
    assert max(abs(row.error) for row in rows) <= WITHIN
    ((at, params),) = site.events("GATEWAY_PAUSED")
    seconds = json.loads(params)["seconds"]
    assert PAUSE - 1 <= seconds <= PAUSE + 30
    assert begun - WITHIN <= at
    gone = [row for row in rows if at + WITHIN < row.time < at + (seconds - 2) * SECOND]
    assert gone == [], "nothing is made up for what was not measured"
    told = site.page.ask("GET", "/health")["clock"]
    assert told["pauses"] == 1
    assert told["paused"] >= (PAUSE - 1) * SECOND
    assert site.events("DEVICE_UNREACHABLE") == [], "it was the gateway that was away"


async def never_for(seconds: float) -> None:
    with pytest.raises(TimeoutError):
        await eventually(lambda: False, seconds)
