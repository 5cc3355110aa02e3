"""What a gateway is told of the streams it keeps."""

import pytest

from protocols.errors import IngestError
from protocols.wire.cursors import Cursor, encode_question
from tests.central.builders import Gateway

NONCE = "0f" * 16


async def test_streams_are_told_as_far_as_they_are(collector, gateway, stream):
    for value in (1.0, 2.0):
        await gateway.deliver(collector, stream, gateway.reading("level", value))
    unknown = "ab" * 16
    said = await collector.ingest.cursors("gw", encode_question([stream.id, unknown]), NONCE)
    assert said.streams == {stream.id: Cursor(2, 2), unknown: Cursor(0, 0)}
    assert (said.incarnation, said.nonce) == (collector.db.incarnation, NONCE)


async def test_a_stream_of_another_gateway_is_not_known(collector, gateway, stream):
    await gateway.deliver(collector, stream, gateway.reading("level", 1.0))
    await collector.registry.add_gateway("other", "site")
    said = await collector.ingest.cursors("other", encode_question([stream.id]), NONCE)
    assert said.streams == {stream.id: Cursor(0, 0)}


@pytest.mark.parametrize(("body", "nonce"), [(b"?", NONCE), (encode_question([]), "short")])
async def test_what_cannot_be_read_is_refused(collector, gateway: Gateway, body, nonce):
    with pytest.raises(IngestError) as refused:
        await collector.ingest.cursors("gw", body, nonce)
    assert (refused.value.code, refused.value.status) == ("WIRE", 400)
