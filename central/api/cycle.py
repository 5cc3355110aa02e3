"""What uvicorn knows of a request beside what its ASGI face says, for the ways past the framework.

A body that came with its header is there already, and an answer that is written at once is whole:
neither needs messages, events and a look at each field. Anything unusual is left to that face.
"""

from typing import Final

from starlette.types import Receive, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

_TAKEN: Final = STATUS_LINE[200] + b"content-length: %d\r\ncontent-type: application/json\r\n\r\n%b"


def body_here(receive: Receive) -> bytes | None:
    """Return the body if all of it came already: then nothing has to be timed. None: ask for it."""
    cycle = getattr(receive, "__self__", None)
    if type(cycle) is not RequestResponseCycle or cycle.more_body:
        return None
    if cycle.waiting_for_100_continue or cycle.disconnected or cycle.response_complete:
        return None
    if cycle.flow.read_paused:
        cycle.flow.resume_reading()
    body = bytes(cycle.body)
    cycle.body = bytearray()
    cycle.message_event.clear()
    return body


def say_taken(send: Send, content: bytes) -> bool:
    """Answer 200 with JSON in one piece; False: nothing was done, it has to be said as usual."""
    cycle = getattr(send, "__self__", None)
    if type(cycle) is not RequestResponseCycle or cycle.disconnected or cycle.response_started:
        return False
    if cycle.flow.write_paused or cycle.access_log or cycle.default_headers or not cycle.keep_alive:
        return False
    cycle.waiting_for_100_continue = False
    cycle.response_started = cycle.response_complete = True
    cycle.transport.write(_TAKEN % (len(content), content))
    cycle.message_event.set()
    cycle.on_response()
    return True
