"""A serial line for tests: a pseudo terminal; its far end is a simulator that speaks RTU frames."""

import asyncio
import os
import pty
import tty


class SerialLine:
    """`path` is what the driver opens; bytes go to and from `port` on the loopback."""

    def __init__(self) -> None:
        self._master, self._far = pty.openpty()
        tty.setraw(self._far)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._far)
        self._pump: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self, port: int) -> None:
        """Join the line to a simulator."""
        reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
        asyncio.get_running_loop().add_reader(self._master, self._from_driver)
        self._pump = asyncio.create_task(self._to_driver(reader))

    def _from_driver(self) -> None:
        assert self._writer is not None
        self._writer.write(os.read(self._master, 4096))

    async def _to_driver(self, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(4096):
            os.write(self._master, data)

    async def close(self) -> None:
        """Take the line away."""
        asyncio.get_running_loop().remove_reader(self._master)
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.gather(self._pump, return_exceptions=True)
        if self._writer is not None:
            self._writer.close()
            await self._writer.wait_closed()
        os.close(self._master)
        os.close(self._far)
