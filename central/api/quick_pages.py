"""The way of a question for one point's raw readings or its trend, past the framework.

The most frequent questions cost some hundred microseconds less here. Only what is written as every
program writes it comes this way; anything else, and whatever is wrong with a question, goes through
the framework and is answered there. Who asks, what he may see and what is said is the same: the
route of `central.api.routes.queries` is what the document describes.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple
from urllib.parse import unquote_plus

from starlette.types import Receive, Scope, Send

from central.api.access import COOKIE, Access
from central.api.errors import ApiError, not_found
from central.api.headers import Envelope
from central.api.quick_request import QuickRequest, handler_of, nothing_inside
from central.api.raw import encode_page, encode_trend
from central.api.rooms import Rooms
from central.api.routes.queries import LONGEST
from central.api.threshold import bar, reason
from central.api.times import microseconds
from central.api.whole import at_once, say
from central.identity.roles import Permission
from central.store.queries.queries import MOST_BUCKETS, MOST_ROWS

_PATH: Final = re.compile(r"/api/v1/points/([^/]+/[^/]+/[^/]+/[^/]+)/(readings|buckets)")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+ -]\d\d:\d\d)", re.ASCII)
_JSON: Final = (b"content-type", b"application/json")
_LIMIT: Final = re.compile(r"[1-9]\d{0,4}", re.ASCII)
_USUAL: Final = 1000
_SPANS: Final = 300
_CURSOR: Final = 128
_PROOFS: Final = frozenset({b"authorization", b"signature-input"})
_SESSION: Final = re.compile(rb"%b=([\w-]+)" % COOKIE.encode())


class Page(NamedTuple):
    """One well-formed question: a span in µs UTC, at most `limit` rows after `cursor`."""

    point: str
    start: int
    end: int
    limit: int
    cursor: str | None


class Trend(NamedTuple):
    """One well-formed question: a span in µs UTC, in at most so many spans."""

    point: str
    start: int
    end: int
    spans: int


def page_asked(scope: Scope) -> Page | Trend | None:
    """Return the question of a GET; None: it is another one, or not written as usual."""
    path = _PATH.fullmatch(scope["path"])
    if path is None:
        return None
    asked = _asked(scope["query_string"])
    if asked is None:
        return None
    start, end = _time(asked.pop("from", "")), _time(asked.pop("to", ""))
    if start is None or end is None or not start < end <= start + LONGEST:
        return None
    span = (path[1], start, end)
    return _trend(span, asked) if path[2] == "buckets" else _page(span, asked)


def _asked(query: bytes) -> dict[str, str] | None:
    """Return what is asked by name; None: something is twice there, empty, or no ASCII."""
    asked: dict[str, str] = {}
    try:
        text = query.decode("ascii")
    except ValueError:
        return None
    for field in text.split("&"):
        name, _, value = field.partition("=")
        if not value or name in asked:
            return None
        if "%" in value or "+" in value:
            # What stands in every time is read at once.
            plain = value.replace("+", " ").replace("%3A", ":").replace("%2B", "+")
            value = unquote_plus(value) if "%" in plain else plain
        asked[name] = value
    return asked


def _page(span: tuple[str, int, int], asked: dict[str, str]) -> Page | None:
    limit, cursor = asked.pop("limit", str(_USUAL)), asked.pop("cursor", None)
    if asked or not _LIMIT.fullmatch(limit) or len(cursor or "") > _CURSOR:
        return None
    return Page(*span, int(limit), cursor) if int(limit) <= MOST_ROWS else None


def _trend(span: tuple[str, int, int], asked: dict[str, str]) -> Trend | None:
    count = asked.pop("count", str(_SPANS))
    if asked or not _LIMIT.fullmatch(count):
        return None
    return Trend(*span, int(count)) if int(count) <= MOST_BUCKETS else None


class QuickPages:
    """Answers such questions; `handlers` say how an exception leaves."""

    def __init__(self, handlers: Mapping[Any, Any]) -> None:
        self._handlers = handlers
        self._access = Access(Permission.READ)
        self._envelope = Envelope(nothing_inside)

    async def __call__(
        self, page: Page | Trend, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer; what nobody thought of is answered too, and raised for the server to log."""
        house: Rooms = scope["app"].state.rooms
        if (barred := reason(house.guards, scope)) is not None:
            await bar(house.guards, scope, send, barred)
            return
        answer = self._envelope.open(scope, send)
        try:
            content = await self._content(house, page, scope, receive)
        except Exception as exc:
            handler, known = handler_of(self._handlers, exc)
            response = await handler(QuickRequest(scope, receive), exc)
            await response(scope, receive, answer.send if known else send)
            if not known:
                raise
            return
        if not at_once(send, answer.lines(len(content)), content):
            size = b"%d" % len(content)
            await say(send, answer.added([(b"content-length", size), _JSON]), content)

    async def _content(
        self, house: Rooms, page: Page | Trend, scope: Scope, receive: Receive
    ) -> bytes:
        token = _session_of(scope)
        who = None if token is None else house.desk.recognised(token)
        if who is None:
            who = await self._access(QuickRequest(scope, receive))
        else:
            self._access.let_in(house.guards, scope, who)
        collector = house.collector
        known = collector.registry.point(page.point)
        if known is None or not who.sees(known.site):
            raise not_found("point", page.point)
        queries, span = collector.queries, (page.point, page.start, page.end)
        if isinstance(page, Trend):
            return await queries.trend(*span, page.spans, encode_trend)
        try:
            return await queries.readings(*span, page.limit, page.cursor, encode_page)
        except (ValueError, OverflowError) as exc:
            raise ApiError(422, "CURSOR_UNKNOWN") from exc


def _session_of(scope: Scope) -> str | None:
    """Return the session of a request that shows it, and nothing else, in the usual form."""
    found = None
    for name, value in scope["headers"]:
        if name in _PROOFS:
            return None
        if name == b"cookie":
            if found is not None:
                return None
            found = value
    shown = None if found is None else _SESSION.fullmatch(found)
    return None if shown is None else shown[1].decode("ascii")


def _time(text: str) -> int | None:
    if not _TIME.fullmatch(text):
        return None
    try:
        # A plus sign that was not percent-encoded in a query arrives as a blank.
        return microseconds(datetime.fromisoformat(text.replace(" ", "+")))
    except (ValueError, OverflowError):
        return None
