"""An answer that is there as a whole goes out in one piece, past the server's messages.

The other side reads it at once, where a head and a body each wake it. Anything unusual (an answer
begun, a connection that is to close, somebody who does not read) is left to the usual way.
"""

from starlette.types import Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

Headers = list[tuple[bytes, bytes]]


async def say(send: Send, headers: Headers, content: bytes) -> None:
    """Answer, and no HEAD, with 200, `headers` (its length among them) and `content`."""
    if at_once(send, b"".join([b"%b: %b\r\n" % field for field in headers]), content):
        return
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def at_once(send: Send, fields: bytes, content: bytes) -> bool:
    """Do so if nothing is unusual; `fields` are lines with their ends. False: nothing was done."""
    cycle = getattr(send, "__self__", None)
    if type(cycle) is not RequestResponseCycle or cycle.disconnected or cycle.response_started:
        return False
    if cycle.flow.write_paused or cycle.access_log or cycle.default_headers or not cycle.keep_alive:
        return False
    cycle.waiting_for_100_continue = False
    cycle.response_started = cycle.response_complete = True
    cycle.transport.write(b"%b%b\r\n%b" % (STATUS_LINE[200], fields, content))
    cycle.message_event.set()
    cycle.on_response()
    return True
