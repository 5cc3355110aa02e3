"""A small HTTP proxy for tests: absolute-form requests and CONNECT, with Basic credentials if told.

It listens on loopback in a thread of its own and passes bytes on until either side ends.
"""

import base64
import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit

REFUSAL = (
    b"HTTP/1.1 407 Proxy Authentication Required\r\n"
    b'Proxy-Authenticate: Basic realm="site"\r\nContent-Type: text/html\r\n'
    b"Content-Length: 21\r\n\r\n<html>log in</html>\r\n"
)


class Proxy:
    """`credentials` is `user:password`, None: anybody may pass; may be changed at any time."""

    def __init__(self, credentials: str | None = None) -> None:
        self.credentials = credentials
        self.asked: list[str] = []
        self.refused = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)  # wakes who waits in accept
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            while (head := read_head(client)) is not None:
                request, *lines = head.decode("latin-1").split("\r\n")
                fields = dict(line.split(": ", 1) for line in lines if ": " in line)
                method, target, _ = request.split(" ")
                self.asked.append(f"{method} {target}")
                length = int(fields.get("Content-Length", "0"))
                body = read_exactly(client, length)
                if not self._lets(fields.pop("Proxy-Authorization", "")):
                    self.refused += 1
                    client.sendall(REFUSAL)
                    if method == "CONNECT":
                        return
                    continue
                self._pass_on(client, method, target, fields, body)
                return

    def _lets(self, said: str) -> bool:
        if self.credentials is None:
            return True
        return said == f"Basic {base64.b64encode(self.credentials.encode()).decode()}"

    def _pass_on(
        self, client: socket.socket, method: str, target: str, fields: dict[str, str], body: bytes
    ) -> None:
        parts = urlsplit(target if "//" in target else f"//{target}")
        there = socket.create_connection((parts.hostname or "", parts.port or 80))
        with there:
            if method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                # One request a connection: what follows is not looked at.
                fields["Connection"] = "close"
                lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
                there.sendall(f"{method} {parts.path} HTTP/1.1\r\n{lines}\r\n".encode() + body)
            back = threading.Thread(target=pump, args=(there, client), daemon=True)
            back.start()
            pump(client, there)
            back.join(10)


def pump(source: socket.socket, sink: socket.socket) -> None:
    """Pass bytes on until the source ends."""
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for each in (source, sink):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def read_head(client: socket.socket) -> bytes | None:
    """Return a request's head without its last empty line; None at the end."""
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        more = client.recv(1)
        if not more:
            return None
        data += more
    return data[:-4]


def read_exactly(client: socket.socket, size: int) -> bytes:
    """Return so many bytes, fewer when it ends."""
    data = b""
    while len(data) < size and (more := client.recv(size - len(data))):
        data += more
    return data
