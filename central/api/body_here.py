"""A body that came with its header is taken as a whole, past the server's messages.

It is there already: nothing has to be waited for. Anything unusual is left to the usual way.
"""

from starlette.types import Receive
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


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
