"""A Modbus TCP device that holds exactly the registers a test case says, and nothing between."""

import asyncio

from protocols.modbus.frames import tcp_frame

TABLES = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}


class RegisterServer:
    """Answers exception 2 to whatever touches a cell it does not hold, 3 above its own limit."""

    def __init__(self, tables):
        self.limit = tables.get("limit", 125)
        self.cells = {
            table: {
                int(start) + i: cell for start, run in runs.items() for i, cell in enumerate(run)
            }
            for table, runs in tables.items()
            if table != "limit"
        }
        self.requests = 0
        self.port = 0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader, writer):
        try:
            while True:
                head = await reader.readexactly(6)
                body = await reader.readexactly(int.from_bytes(head[4:], "big"))
                writer.write(tcp_frame(head[:2], body[:1] + self._answer(body)))
        except asyncio.IncompleteReadError:
            writer.close()

    def _answer(self, body):
        self.requests += 1
        function = body[1]
        start, count = int.from_bytes(body[2:4], "big"), int.from_bytes(body[4:6], "big")
        held = self.cells.get(TABLES[function], {})
        if function > 2 and count > self.limit:
            return bytes([function | 0x80, 3])
        if not all(address in held for address in range(start, start + count)):
            return bytes([function | 0x80, 2])
        cells = [held[address] for address in range(start, start + count)]
        if function > 2:
            data = b"".join(cell.to_bytes(2, "big") for cell in cells)
        else:
            bits = sum(1 << place for place, bit in enumerate(cells) if bit)
            data = bits.to_bytes((count + 7) // 8, "little")
        return bytes([function, len(data)]) + data
