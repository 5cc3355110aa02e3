"""A collector as a real process, its database where it is wanted, and a gateway's side of the talk.

`Client` sends real requests one by one and remembers what was answered: every answer is a promise.
"""

import http.client
import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from protocols.clock import SystemClock
from protocols.simulators.collector_door import CollectorDoor
from protocols.simulators.demo import free_port
from protocols.wire.manifest import manifest_digest
from protocols.wire.request import compress
from tests.central.builders import Gateway, Stream

GATEWAY: Final = "gw"
PER_BATCH: Final = 25


class Centre:
    """`fengsui-central run` with its files in `folder` and its database at `database`."""

    def __init__(self, folder: Path, database: Path) -> None:
        self.folder = folder
        self.database = database
        self.port = free_port()
        self.door = CollectorDoor("127.0.0.1", self.port)
        self.config = folder / "central.yaml"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self.config.write_text(
            f"format: v1\nlisten: {{host: 127.0.0.1, port: {self.port}}}\ndatabase: {database}\n",
            encoding="utf-8",
        )

    def __enter__(self) -> "Centre":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def register(self) -> str:
        """Make the database, one person and one gateway; returns the gateway's token."""
        made = subprocess.run(
            [sys.executable, "-m", "central", "create-admin", str(self.config), "judge",
             "--login-link"],
            capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL,
        ).stdout  # fmt: skip
        code = next(word.rsplit("code=", 1)[1] for word in made.split() if "code=" in word)
        self.start()
        self.door.log_in(code)
        return self.door.add_gateway(GATEWAY, "网关", "s1")

    def start(
        self, module: tuple[str, ...] = ("central",), env: dict[str, str] | None = None
    ) -> None:
        """Start it and return when it is healthy."""
        with (self.folder / "central.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *module, "run", str(self.config)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **(env or {})},
            )  # fmt: skip
        self.door.wait_healthy(lambda: None)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def cursors(self) -> dict[str, int]:
        """Return the cursor of each stream, as the file says."""
        return dict(self._ask("SELECT id, cursor FROM stream"))

    def stored(self) -> dict[str, int]:
        """Return how many readings of each stream are in evidence."""
        return dict(
            self._ask(
                "SELECT s.id, sum(e.n) FROM evidence e JOIN stream s ON s.number=e.stream"
                " WHERE e.kind=1 GROUP BY 1"
            )
        )

    def _ask(self, question: str) -> list[Any]:
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            return connection.execute(question).fetchall()


@dataclass
class Client:
    """One gateway's requests over HTTP; `promised` is what the collector answered, by stream."""

    port: int
    token: str
    promised: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._gateway = Gateway(SystemClock(), GATEWAY)
        self._stream: Stream | None = None

    def forget(self) -> None:
        """Begin a new stream with the next batch, as a gateway does that was started again."""
        self._stream = None

    def send(self) -> int:
        """Seal the next batch unless one is unanswered; send it; return the status."""
        if self._stream is None:
            self._stream = self._open()
        stream = self._stream
        if self.promised.get(stream.id, 0) == stream.seq:
            values = [self._gateway.reading("level", 50 + n % 7) for n in range(PER_BATCH)]
            self._gateway.seal(stream, *values)
        request = self._gateway.request(stream, first=len(stream.batches) - 1)
        status, answer = self._ask(
            "POST",
            f"streams/{stream.id}/batches",
            request.body,
            {
                "Content-Encoding": request.encoding,
                "Content-Digest": request.content_digest,
                "Fengsui-Chain": request.chain,
                "Fengsui-Clock": request.clock,
                "Fengsui-Lane": request.lane,
                "Fengsui-Nonce": request.nonce,
            },
        )
        if status == 200:
            self.promised[stream.id] = answer["committed"]
        return status

    def _open(self) -> Stream:
        stream = self._gateway.open()
        if self._put(stream) == 428:
            body, encoding = compress(self._gateway.manifest)
            digest = manifest_digest(self._gateway.manifest)
            self._ask("PUT", f"manifests/{digest}", body, {"Content-Encoding": encoding})
            if (status := self._put(stream)) != 200:
                raise OSError(f"stream not taken: {status}")
        return stream

    def _put(self, stream: Stream) -> int:
        return self._ask("PUT", f"streams/{stream.id}", stream.opening, {})[0]

    def _ask(
        self, method: str, path: str, body: bytes, fields: dict[str, str]
    ) -> tuple[int, dict[str, Any]]:
        """Raises OSError, http.client.HTTPException when nothing whole comes back."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            headers = {"Authorization": f"Bearer {self.token}", **fields}
            connection.request(method, f"/api/v1/ingest/{path}", body, headers)
            reply = connection.getresponse()
            content = reply.read()
        finally:
            connection.close()
        try:
            return reply.status, json.loads(content) if content else {}
        except ValueError:
            return reply.status, {}
