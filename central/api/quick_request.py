"""What the ways past the framework share: a request, and how an exception leaves."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

Handler = Callable[[Request, Exception], Awaitable[Response]]


class Fields(Headers):
    """Header fields looked up by name at once; of one given twice the first counts, as ever."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope=scope)
        self._first: dict[bytes, bytes] = dict(reversed(self.raw))

    def __getitem__(self, key: str) -> str:
        return self._first[key.lower().encode("latin-1")].decode("latin-1")

    def get(self, key: str, default: Any = None, /) -> Any:
        """Return the field's value, or `default`."""
        found = self._first.get(key.lower().encode("latin-1"))
        return default if found is None else found.decode("latin-1")


class QuickRequest(Request):
    """A request whose header fields are looked up at once."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        super().__init__(scope, receive)
        self._fields = Fields(scope)

    @property
    def headers(self) -> Headers:
        """The header fields."""
        return self._fields


def handler_of(handlers: Mapping[Any, Any], exc: Exception) -> tuple[Handler, bool]:
    """Return what answers an exception, and whether it was expected; raises it if nothing does."""
    for kind in type(exc).__mro__:
        if kind in handlers:
            handler: Handler = handlers[kind]
            return handler, kind is not Exception
    raise exc


async def nothing_inside(_: Scope, __: Receive, ___: Send) -> None:
    """An envelope that is asked for its headers only."""
