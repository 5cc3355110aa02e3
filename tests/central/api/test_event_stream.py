"""The answer without an end: what goes out, and when it ends."""

import asyncio
import json

import numpy as np
import pytest

from central.api import event_stream
from central.api.event_stream import TOGETHER, EventStream
from central.api.subscriber import Message, Subscriber
from central.effects import Effects
from central.identity.principal import Kind, Principal

PICTURE = b'"name":"gw-honghaiwan"'
"""The last of what a page is given first."""
WHO = Principal(name="ann", kind=Kind.SESSION, scope=None)


class Page:
    """The other side of the answer: keeps what is sent, leaves when told to."""

    def __init__(self):
        self.sent = asyncio.Queue()
        self.left = asyncio.Event()
        self.fails = False
        self._asked = False

    async def receive(self):
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        if self.fails:
            raise OSError("the line is gone")
        self.sent.put_nowait(message)

    async def until(self, wanted):
        """Return what came until `wanted` was among it."""
        found = b""
        async with asyncio.timeout(60):
            while wanted not in found:
                found += (await self.sent.get()).get("body", b"")
        return found


@pytest.fixture
async def page(rooms):
    """A page in front of an open stream."""
    made = Page()
    made.answer = asyncio.create_task(
        EventStream(rooms.hub, WHO, None)({}, made.receive, made.send)
    )
    yield made
    made.left.set()
    await asyncio.wait([made.answer], timeout=60)


def events(text):
    """The frames of a text, comments left out."""
    frames = [frame.splitlines() for frame in text.decode().split("\n\n") if frame]
    return [
        (frame[0].removeprefix("event: "), json.loads(frame[1].removeprefix("data: ")))
        for frame in frames
        if frame[0].startswith("event: ")
    ]


async def test_it_begins_with_a_comment_the_time_to_wait_and_the_picture(page):
    start = await page.sent.get()
    headers = dict(start["headers"])
    assert start["status"] == 200
    assert headers[b"content-type"] == b"text/event-stream; charset=utf-8"
    assert headers[b"cache-control"] == b"no-cache"
    assert headers[b"x-accel-buffering"] == b"no"
    assert b"content-length" not in headers
    text = await page.until(PICTURE)
    assert text.startswith(b": fengsui\nretry: 3000\n\nevent: clock\ndata: {")
    names = [name for name, _ in events(text)]
    assert names == ["clock", "overview", "values", "values", "gateway", "gateway"]


async def test_what_changes_comes_after_it(page, rooms, collector):
    await page.until(PICTURE)
    both = [collector.store.become("qingyun", 1.5), collector.store.become("honghaiwan", None)]
    rooms.hub.listen(Effects(values=np.concatenate(both)))
    await rooms.hub.beat(1)
    told = events(await page.until(b'"honghaiwan"'))
    assert {body["site"]: body["value"] for _, body in told} == {
        "qingyun": [1.5],
        "honghaiwan": [None],
    }


async def test_a_page_that_leaves_is_forgotten(page, rooms):
    await page.until(PICTURE)
    assert len(rooms.hub) == 1
    page.left.set()
    async with asyncio.timeout(60):
        await page.answer
    assert len(rooms.hub) == 0


async def test_a_line_that_fails_ends_it_without_noise(page, rooms, collector):
    await page.until(PICTURE)
    page.fails = True
    rooms.hub.listen(Effects(values=collector.store.become("qingyun")))
    await rooms.hub.beat(1)
    async with asyncio.timeout(60):
        await page.answer
    assert len(rooms.hub) == 0


async def test_the_end_comes_after_what_was_told_before_it(page, rooms, collector):
    await page.until(PICTURE)
    rooms.hub.listen(Effects(values=collector.store.become("qingyun", 7.25)))
    await rooms.hub.beat(1)
    rooms.hub.close()
    assert b'"value":[7.25]' in await page.until(b"7.25")
    async with asyncio.timeout(60):
        last = await page.sent.get()
        await page.answer
    assert last == {"type": "http.response.body", "body": b"", "more_body": False}


async def test_silence_is_broken_by_a_comment(page, monkeypatch):
    monkeypatch.setattr(event_stream, "SILENCE", 0.001)
    await page.until(b": ping\n\n: ping\n\n")


async def test_a_refusal_to_subscribe_is_an_answer_of_its_own(rooms, collector):
    async def broken(scope=None):
        raise LookupError

    collector.overview = broken
    page = Page()
    with pytest.raises(LookupError):
        await EventStream(rooms.hub, WHO, None)({}, page.receive, page.send)
    assert page.sent.empty()
    assert len(rooms.hub) == 0


async def test_a_server_that_stops_ends_it(page, rooms):
    await page.until(PICTURE)
    page.answer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await page.answer
    assert len(rooms.hub) == 0


async def test_what_waits_goes_out_together_within_bounds():
    subscriber = Subscriber(WHO, None)
    small, large = Message.of("clock", b"{}"), Message.of("values", b"x" * TOGETHER)
    for told in (small, small, large, small, None):
        subscriber.put(told) if told else subscriber.queue.put_nowait(None)
    assert subscriber.waiting == 3 * len(small.frame) + len(large.frame)
    assert await subscriber.frames(TOGETHER) == 2 * small.frame + large.frame
    assert await subscriber.frames(TOGETHER) == small.frame
    assert await subscriber.frames(TOGETHER) == b""
    assert subscriber.waiting == 0
    assert small.data == b"{}"
