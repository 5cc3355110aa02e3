"""A collector that only counts: says yes to everything at once, so that the gateway alone is timed.

`python -m tests.bench.counting` prints its port and serves until it is ended. What it answers is
well formed, and false: nothing is kept.
"""

import asyncio

from protocols.clock import SystemClock
from protocols.wire.answer import Answer, encode_answer

CREDIT = 8 << 20


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one connection's requests."""
    while True:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.split("\r\n")
            fields = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
            await reader.readexactly(int(fields.get("content-length", "0")))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
            return
        body = b""
        if first.startswith("POST") and "/streams/" in first:
            committed = int(fields["fengsui-chain"].split(";")[0].removeprefix("seq="))
            body = encode_answer(
                Answer(
                    stream=first.split("/streams/")[1][:32],
                    committed=committed,
                    safe=committed,
                    incarnation="1c" * 16,
                    credit=CREDIT,
                    retry_after_ms=0,
                    now=SystemClock().now(),
                    nonce=fields["fengsui-nonce"],
                )
            )
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


async def main() -> None:
    """Listen on a free port of loopback."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 20)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
