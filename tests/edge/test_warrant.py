"""A gateway keeps the collector's word that it was approved, and shows it when that was lost."""

import json
import stat
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from edge import warrant as kept
from edge.config import CollectorLink
from edge.dialling import Dialler
from edge.identity import KEY, Identity, write_own
from edge.trust import Trust
from edge.trust_file import TRUST, Known
from edge.trust_file import save as save_trust
from edge.uplink_http import Connection
from edge.warrant_keeping import fetch
from protocols import warrant as warrants
from protocols.clock import SystemClock
from protocols.signing.answer import signed
from protocols.signing.keys import Ed25519Signer
from protocols.warrant import Warrant
from protocols.wire.canonical import dump
from protocols.words import Label

ID = "0123456789abcdef"
OURS, OTHERS = Ed25519Signer.generate(), Ed25519Signer.generate()


class Collector:
    """`lost`: what it says until a warrant is shown; `takes`: the answer to one."""

    def __init__(self):
        self.signer = Ed25519Signer.generate()
        self.lost = "SIGNER_UNKNOWN"
        self.takes = 200
        self.given = None
        self.says = self.signer
        self.heard = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.reply(*outer.hear(self.path.rsplit("/", 1)[1], body))

            def do_GET(self):
                self.reply(200, outer.state(self.headers["Fengsui-Nonce"]))

            def reply(self, status, body):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def hear(self, name, body):
        self.heard.append((name, body))
        if name == "warrant":
            self.lost = None if self.takes == 200 else self.lost
            return self.takes, b"{}"
        if self.lost is None:
            return 200, b"{}"
        return 401, json.dumps({"code": self.lost, "params": {}}).encode()

    def state(self, nonce):
        self.heard.append(("state", b""))
        said = {"nonce": nonce, "signature": None}
        if self.given is not None:
            said["warrant"] = self.given.decode()
        return signed(dump(said, "enrolment"), self.says)

    def warrant(self, signer=OURS):
        said = Warrant(
            collector=ID,
            gateway="gw-1",
            key=signer.public.encode(),
            site=None,
            label=Label("网关", "Gateway"),
            approved=1,
            approved_by="duty",
        )
        return warrants.write(said, self.signer)

    def names(self):
        return [name for name, _ in self.heard]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def collector():
    made = Collector()
    yield made
    made.close()


@pytest.fixture
def link(collector, tmp_path):
    folder = tmp_path / "identity"
    folder.mkdir()
    write_own(folder / KEY, OURS.dump())
    key = collector.signer.public.encode()
    save_trust(folder / TRUST, Known(collector=ID, key=key, name=None, authorities=()))
    return CollectorLink(
        url=collector.url, token_file=tmp_path / "no-token", identity_folder=folder, timeout=20.0
    )


@pytest.fixture
def connection(link):
    made = Connection(link, "test", trust=Trust(link.identity_folder / TRUST, SystemClock()))
    yield made
    made.close()


@pytest.mark.parametrize("lost", ["SIGNER_UNKNOWN", "KEY_PENDING"])
def test_what_the_collector_lost_it_is_shown_and_the_request_is_made_again(
    collector, link, connection, lost
):
    collector.lost = lost
    data = collector.warrant()
    assert kept.save(link.identity_folder, data, OURS.public.encode())
    assert connection.request("POST", "health", b"{}").status == 200
    assert collector.heard == [("health", b"{}"), ("warrant", data), ("health", b"{}")]


@pytest.mark.parametrize("lost", ["KEY_REVOKED", "SIGNATURE", "KEY_HELD"])
def test_to_a_collector_that_knows_the_key_nothing_is_shown(collector, link, connection, lost):
    collector.lost = lost
    kept.save(link.identity_folder, collector.warrant(), OURS.public.encode())
    assert connection.request("POST", "health", b"{}").status == 401
    assert collector.names() == ["health"]


def test_without_a_warrant_for_this_key_there_is_nothing_to_show(collector, link, connection):
    other = collector.warrant(OTHERS)
    assert not kept.save(link.identity_folder, other, OURS.public.encode())
    write_own(link.identity_folder / kept.FILE, other)
    assert connection.request("POST", "health", b"{}").status == 401
    assert collector.names() == ["health"]


def test_a_collector_that_does_not_take_it_is_not_asked_with_every_request(
    collector, link, connection
):
    collector.takes = 403
    kept.save(link.identity_folder, collector.warrant(), OURS.public.encode())
    for _ in range(3):
        assert connection.request("POST", "health", b"{}").status == 401
    assert collector.names() == ["health", "warrant", "health", "health"]


def asks(link):
    trust = Trust(link.identity_folder / TRUST, SystemClock())
    return fetch(Identity(link.identity_folder), Dialler(link, trust), trust)


def test_a_gateway_of_before_there_were_warrants_fetches_its_own_once(collector, link):
    assert not asks(link)  # a collector of an older version says nothing of it
    collector.given = collector.warrant()
    assert asks(link)
    assert asks(link)
    assert collector.names() == ["state", "state"]
    file = link.identity_folder / kept.FILE
    assert file.read_bytes() == collector.given
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    # The hardware was replaced and has another key: its warrant is fetched anew.
    write_own(link.identity_folder / KEY, OTHERS.dump())
    collector.given = collector.warrant(OTHERS)
    assert asks(link)
    assert file.read_bytes() == collector.given


@pytest.mark.parametrize("spoilt", ["another's answer", "another's key", "no form", "nobody"])
def test_what_is_not_the_collectors_word_for_this_key_is_not_kept(collector, link, spoilt):
    collector.given = collector.warrant()
    if spoilt == "another's answer":
        collector.says = OTHERS
    elif spoilt == "another's key":
        collector.given = collector.warrant(OTHERS)
    elif spoilt == "no form":
        collector.given = b"{}"
    else:
        (link.identity_folder / TRUST).unlink()
    assert not asks(link)
    assert not (link.identity_folder / kept.FILE).exists()
