"""What came back instead of an answer to batches, and what it most likely means."""

import json
from collections.abc import Mapping
from typing import Final

from edge.uplink_http import Reply
from protocols.errors import UplinkRefused, UplinkUnavailable

BUSY: Final = (408, 429, 502, 503, 504)
LESS: Final = (408, 429)
"""The body stopped coming, or was beyond the credit: send less."""
NOT_US: Final = (401, 403, 407)
"""The gateway as a whole is refused, not a stream."""


class TooLarge(UplinkRefused):
    """Fewer batches a request are asked for."""

    code = "TOO_LARGE"


class StreamRefused(UplinkRefused):
    """This stream is refused, others may do; `stream` is set aside for a while."""


class Waiting(UplinkUnavailable):
    """The collector is there and asks to wait; `seconds` None when it did not say how long.

    `less`: the request was also more than it takes now.
    """

    code = "COLLECTOR_BUSY"

    def __init__(self, seconds: float | None, *, less: bool = False) -> None:
        super().__init__()
        self.seconds = seconds
        self.less = less


def must_accept(reply: Reply) -> None:
    """Raise UplinkError unless this is the collector's yes: 200 and no body, unlike a portal's."""
    if reply.status != 200 or reply.body:
        raise refusal(reply)


def refusal(reply: Reply) -> UplinkRefused | UplinkUnavailable:
    """Return what a reply that is no yes means."""
    if reply.status in BUSY:
        return Waiting(reply.retry_after)
    code = error_code(reply.body)
    if code is None:
        return UplinkRefused("NOT_THE_COLLECTOR", status=reply.status)
    kind = UplinkRefused if reply.status in NOT_US else StreamRefused
    return kind(code, status=reply.status)


def error_code(body: bytes) -> str | None:
    """Return the `code` of an error of ours; None when the body is somebody else's."""
    try:
        data = json.loads(body)
    except ValueError:
        return None
    code = data.get("code") if isinstance(data, dict) else None
    return code[:64] if isinstance(code, str) else None


def head_of(params: Mapping[str, object]) -> bytes | None:
    """Return the chain head the collector said it has, if it said one."""
    text = params.get("head")
    if not isinstance(text, str) or len(text) != 64:
        return None
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None
