"""A bare connection to a server: bytes out, what came back, and whether the line was closed."""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass


@dataclass
class Heard:
    """One answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json()["code"]


class RawLine:
    """Use as an async context."""

    def __init__(self, base):
        self._address = base.removeprefix("http://").split(":")

    async def __aenter__(self):
        host, port = self._address
        self._in, self._out = await asyncio.open_connection(host, int(port))
        return self

    async def __aexit__(self, *_):
        self._out.close()
        with suppress(OSError):
            await self._out.wait_closed()

    async def send(self, data):
        self._out.write(data)
        with suppress(ConnectionError):
            await self._out.drain()

    async def hear(self):
        """Return the next answer; None when the line is closed instead."""
        async with asyncio.timeout(60):
            try:
                head = await self._in.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                return None
            first, *fields = head.decode("latin-1").split("\r\n")[:-2]
            headers = {}
            for field in fields:
                name, _, value = field.partition(":")
                headers[name.lower()] = value.strip()
            body = await self._in.readexactly(int(headers.get("content-length", 0)))
            return Heard(int(first.split()[1]), headers, body)

    async def ended(self):
        """Wait until the other side closes."""
        async with asyncio.timeout(60):
            with suppress(ConnectionError):
                while await self._in.read(65_536):
                    pass
        return True


def head(method, target, *fields):
    """Return a request's head as bytes."""
    lines = [f"{method} {target} HTTP/1.1", "Host: collector", *fields]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
