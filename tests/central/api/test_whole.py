"""Answers that go out in one piece, and those that may not."""

from protocols.wire.headers import CHAIN, CLOCK, CONTENT_DIGEST, NONCE
from tests.central.api.raw_line import RawLine, head
from tests.central.api.test_guarded_door import (  # noqa: F401  # the fixtures
    base,
    clock,
    collector,
    now,
    rooms,
    sender,
    token,
)


async def test_who_closes_is_told_so_and_answered_whole(sender):  # noqa: F811
    await sender.register()
    for nth, said in enumerate(("keep-alive", "close", "keep-alive"), 1):
        sender.http.headers["Connection"] = said
        sender.seal(float(nth))
        status, answer = await sender.send()
        assert (status, answer.committed) == (200, nth)


def written(sender, token, *more):  # noqa: F811
    """Return a request's head and its body."""
    asked = sender.gateway.request(sender.stream)
    fields = (
        f"Authorization: {token}",
        f"{CHAIN}: {asked.chain}",
        f"{CLOCK}: {asked.clock}",
        f"{NONCE}: {asked.nonce}",
        f"{CONTENT_DIGEST}: {asked.content_digest}",
        f"Content-Encoding: {asked.encoding}",
        f"Content-Length: {len(asked.body)}",
    )
    path = f"/api/v1/ingest/streams/{sender.stream.id}/batches"
    return head("POST", path, *fields, *more), asked.body


async def test_requests_sent_together_are_answered_in_their_order(sender, base, token):  # noqa: F811
    await sender.register()
    sender.seal(1.0)
    usual, last = written(sender, token), written(sender, token, "Connection: close")
    async with RawLine(base) as line:
        await line.send(b"".join((*usual, *usual, *last)))
        heard = [await line.hear() for _ in range(3)]
        assert [(each.status, each.json()["committed"]) for each in heard] == [(200, 1)] * 3
        assert [each.headers.get("connection") for each in heard] == [None, None, "close"]
        assert await line.ended()


async def test_a_body_is_asked_for_where_that_is_waited_for(sender, base, token):  # noqa: F811
    await sender.register()
    sender.seal(1.0)
    first, body = written(sender, token, "Expect: 100-continue")
    async with RawLine(base) as line:
        await line.send(first)
        assert (await line.hear()).status == 100
        await line.send(body)
        heard = await line.hear()
        assert (heard.status, heard.json()["committed"]) == (200, 1)
