"""Any bytes at a real server: no 5xx, nothing that hangs, nothing that grows, nobody harmed."""

import re
import selectors
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[3]
TOGETHER = 30
"""Connections at once."""
QUIET = 0.3
"""Seconds of silence of all of them after which the rest is taken to wait for more, as it may."""
LAST = 60
GROWTH = 60 << 20
"""Bytes of memory: what buffers, caches and limits of strangers take when they fill for the first
time is some megabytes."""

TOKENS = [
    b"GET", b"POST", b"PUT", b"DELETE", b"HEAD", b"OPTIONS", b"CONNECT", b"TRACE", b"PRI", b" ",
    b"/", b"//", b"*", b"/healthz", b"/api/v1/session", b"/api/v1/ingest/health", b"/metrics",
    b"/api/v1/ingest/streams/" + b"a" * 32 + b"/batches", b"/api/v1/enrolment/hello", b"%2f",
    b"/../", b"%00", b"%c0%af", b"http://a", b"?", b"#", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0",
    b"\r\n", b"\n", b"\r", b"\r\n\r\n", b":", b"Host: a\r\n", b"Content-Length: 5\r\n",
    b"Content-Length: 99999999999999999999\r\n", b"Content-Length: -1\r\n",
    b"Expect: 100-continue\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n", b"Connection: close\r\n",
    b"Connection: upgrade\r\nUpgrade: websocket\r\n", b"Authorization: Bearer \xff\r\n",
    b"Authorization: Bearer fsg_a\r\n", b"Cookie: fengsui_session=a\r\n",
    b"Content-Encoding: zstd\r\n",
    b"Content-Type: application/json\r\n", b"Signature: fengsui=:AA==:\r\n",
    b"Signature-Input: x\r\n",
    b"Fengsui-Lane: alarm\r\n", b"5\r\nhello\r\n", b"0\r\n\r\n", b"ffffffffffffffff\r\n",
    b"{}", b"[1e999]",
    b"\x00", b"\xff", b"\x16\x03\x01", b"a" * 5_000,
]  # fmt: skip
PIECES = st.one_of(st.sampled_from(TOKENS), st.binary(max_size=20))
REQUESTS = st.builds(
    lambda method, path, fields, body: (
        method + b" " + path + b" HTTP/1.1\r\nHost: a\r\n" + b"".join(fields) + b"\r\n" + body
    ),
    st.sampled_from(TOKENS[:9]),
    st.lists(st.sampled_from(TOKENS[10:26]), min_size=1, max_size=3).map(b"".join),
    st.lists(st.sampled_from(TOKENS[34:51]), max_size=4),
    st.lists(PIECES, max_size=4).map(b"".join),
)
LINES = st.one_of(REQUESTS, st.lists(PIECES, max_size=14).map(b"".join))
STATUS = re.compile(rb"(?:^|\n)HTTP/1\.[01] (\d\d\d)")


class House:
    """A running collector."""

    def __init__(self, process, port):
        self.process, self.port = process, port

    def memory(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024

    def files(self):
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=LAST)

    def healthy(self):
        with self.connect() as line:
            line.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            return b"".join(iter(lambda: line.recv(65_536), b""))


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("house")
    config = folder / "central.yaml"
    config.write_text("format: v1\ndatabase: data/collector.db\nlisten:\n  port: 0\n")
    with (folder / "log").open("w+", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "central", "run", str(config)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            line = process.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
            assert found, line + (folder / "log").read_text()
            yield House(process, int(found[1]))
            assert process.poll() is None
            said = (folder / "log").read_text(encoding="utf-8")
            assert not re.search("Traceback|Exception", said), said[-3_000:]
        finally:
            process.kill()
            process.communicate()


def tell(house, sent):
    """Send each on a line of its own; return what came back until all are closed or silent."""
    heard = {}
    with ExitStack() as stack, selectors.DefaultSelector() as watch:
        for data in sent:
            line = stack.enter_context(house.connect())
            heard[line] = b""
            try:
                line.sendall(data)
            except ConnectionError:
                continue
            watch.register(line, selectors.EVENT_READ)
        while watch.get_map() and (ready := watch.select(QUIET)):
            for key, _ in ready:
                try:
                    piece = key.fileobj.recv(65_536)
                except ConnectionError:
                    piece = b""
                heard[key.fileobj] += piece
                if not piece:
                    watch.unregister(key.fileobj)
    return list(heard.values())


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(LINES, min_size=TOGETHER, max_size=TOGETHER))
def test_no_bytes_are_our_fault(house, sent):
    for data, answer in zip(sent, tell(house, sent), strict=True):
        statuses = [int(each) for each in STATUS.findall(answer)]
        assert all(status < 500 for status in statuses), (data, answer)
    assert b" 200 " in house.healthy()


def test_nothing_grows(house):
    """The second half of a storm costs no memory beyond the first, and leaves no file open."""
    storm = [token * 3 + b" / HTTP/1.1\r\n" + other for token in TOKENS for other in TOKENS[::9]]
    for part in range(0, len(storm), 100):
        tell(house, storm[part : part + 100])
    before, files = house.memory(), house.files()
    for part in range(0, len(storm), 100):
        tell(house, storm[part : part + 100])
    assert b" 200 " in house.healthy()
    assert house.memory() - before < GROWTH
    assert house.files() <= files + 110
