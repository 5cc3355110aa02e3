"""The gateway's side of an enrolment, with collectors that are honest, posing, or no collectors."""

import http.server
import json
import stat
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest

from edge import enrolment_record
from edge.big_digits import big
from edge.config import CollectorLink
from edge.enrolment import (
    CaDiffers,
    CollectorUnproven,
    Enrolment,
    GatewayDiffers,
    Refused,
)
from edge.identity import CREDENTIAL, Identity, KeyFileUnusable
from edge.trust_file import load as load_trust
from protocols.enrolment import COST, Invitation, Transcript, digits, proof, stretch
from protocols.errors import NotAnAnswer, UplinkRefused, UplinkUnavailable
from protocols.signing.answer import signed
from protocols.signing.keys import Ed25519Signer
from protocols.tls.statement import Statement, encode_statement
from protocols.wire.canonical import dump

CODE = "K7QF3M9XPD"
SALT = bytes(16)
ID = "0123456789abcdef"


class Collector:
    """Answers as told: `knows` is the code it believes in; `state` how it says the key stands."""

    def __init__(self):
        self.knows = CODE
        self.gateway, self.site = "gw-1", "s1"
        self.state = "pending"
        self.ca = None
        self.signer = self.answers_with = Ed25519Signer.generate()
        self.page = None
        self.cost = dict(COST)
        self.heard = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.heard.append(self.path)
                self.reply(outer.hello(body) if self.path.endswith("hello") else outer.prove(body))

            def do_GET(self):
                outer.heard.append(self.path)
                nonce = self.headers["Fengsui-Nonce"]
                self.reply(outer.trust(nonce) if "trust" in self.path else outer.stands(nonce))

            def reply(self, body):
                status = 200
                if outer.page is not None:
                    status, body = outer.page
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def hello(self, said):
        key = self.signer.public.encode()
        self.said = Transcript(
            code_id=said["id"],
            boot=said["boot"],
            gateway_nonce=said["nonce"],
            collector_nonce="c" * 32,
            gateway_key=said["key"],
            collector_id=ID,
            collector_key=key,
            certificate=said["certificate"],
        )
        self.keyid = said["key"]
        itself = {"id": ID, "key": key, "ca_sha256": self.ca}
        welcome = {"salt": SALT.hex(), "nonce": "c" * 32, "collector": itself, **self.cost}
        return dump(welcome, "test")

    def prove(self, _):
        key = stretch(self.knows, SALT)
        proved = {
            "proof": proof(key, "collector", self.said),
            "gateway": self.gateway,
            "site": self.site,
            "state": self.state,
            "digits": digits(key, self.said),
        }
        return dump(proved, "test")

    def stands(self, nonce):
        from protocols.signing.keys import PublicKey

        keyid = PublicKey.parse(self.said.gateway_key).keyid
        said = {"state": self.state, "keyid": keyid, "nonce": nonce, "signature": None}
        return signed(dump(said, "test"), self.answers_with)

    def trust(self, nonce):
        said = Statement(
            collector=ID,
            key=self.signer.public.encode(),
            name=None,
            authorities=(),
            now=1_800_000_000_000_000,
            nonce=nonce,
        )
        return signed(encode_statement(said), self.answers_with)


@pytest.fixture
def collector():
    made = Collector()
    yield made
    made.close()


@pytest.fixture
def site(tmp_path, collector):
    """The gateway's folder and its enrolment."""
    link = CollectorLink(url=collector.url, identity_folder=tmp_path / "identity", timeout=5)
    config = SimpleNamespace(gateway="gw-1", collector=link)
    identity = Identity(tmp_path / "identity", {})
    return SimpleNamespace(
        identity=identity,
        enrolment=Enrolment(config, identity),
        invitation=Invitation(url=collector.url, ca=None, code=CODE),
        folder=tmp_path / "identity",
    )


def test_an_approved_key_and_the_collectors_trust_are_kept_and_nothing_else(site, collector):
    waiting = site.enrolment.begin(site.invitation)
    assert site.identity.signer() is None  # not ours before it is approved
    assert site.enrolment.waiting() == waiting
    with site.enrolment.talk(waiting.url) as talk:
        assert not site.enrolment.approved(talk, waiting)
        collector.state = "active"
        assert site.enrolment.approved(talk, waiting)
        site.enrolment.finish(talk, waiting)
    assert site.identity.signer().keyid == waiting.keyid
    known = load_trust(site.folder / "trust.json")
    assert (known.collector, known.key) == (ID, collector.signer.public.encode())
    assert known.floor == 1_800_000_000_000_000
    assert sorted(file.name for file in site.folder.iterdir()) == ["gateway.key", "trust.json"]
    assert stat.S_IMODE((site.folder / "gateway.key").stat().st_mode) == 0o600
    assert site.enrolment.waiting() is None


@pytest.mark.parametrize("named", ["s1", "s9", None])
def test_who_leaves_the_terminal_goes_on_where_he_was(site, collector, named):
    collector.site = named
    waiting = site.enrolment.begin(site.invitation)
    assert waiting.site == named
    again = Enrolment(site.enrolment._config, Identity(site.folder, {}))
    assert again.waiting() == waiting


def test_an_enrolment_that_an_older_version_began_goes_on(site):
    waiting = site.enrolment.begin(site.invitation)
    file = site.folder / "enrolment.json"
    said = json.loads(file.read_bytes())
    del said["site"]
    file.write_bytes(dump(said, "test"))
    assert site.enrolment.waiting() == replace(waiting, site=None)


def test_a_code_that_is_no_good_costs_no_enrolment_that_waits(site, collector):
    waiting = site.enrolment.begin(site.invitation)
    refusal = {"code": "ENROLMENT_CODE_REFUSED", "params": {}, "request": "r"}
    collector.page = (403, json.dumps(refusal).encode())
    with pytest.raises(UplinkRefused):
        site.enrolment.begin(Invitation(url=collector.url, ca=None, code="0000000000"))
    assert site.enrolment.waiting() == waiting


def test_a_collector_that_does_not_know_the_code_is_not_believed(site, collector):
    collector.knows = "0000000000"
    with pytest.raises(CollectorUnproven):
        site.enrolment.begin(site.invitation)
    assert site.enrolment.waiting() is None
    assert list(site.folder.iterdir()) == []


def test_another_ca_than_on_the_work_sheet_ends_it_before_the_code_is_proved(site, collector):
    collector.ca = "ab" * 32
    invitation = Invitation(url=collector.url, ca="cd" * 32, code=CODE)
    with pytest.raises(CaDiffers):
        site.enrolment.begin(invitation)
    assert collector.heard == ["/api/v1/enrolment/hello"]


def test_a_code_for_another_gateway_leaves_no_key(site, collector):
    collector.gateway = "gw-9"
    with pytest.raises(GatewayDiffers) as found:
        site.enrolment.begin(site.invitation)
    assert found.value.params == {"theirs": "gw-9", "ours": "gw-1"}
    assert list(site.folder.iterdir()) == []


@pytest.mark.parametrize("state", ["refused", "revoked", "replaced"])
def test_a_refusal_takes_the_key_away_and_leaves_the_old_one(site, collector, state):
    old = Ed25519Signer.generate()
    site.folder.mkdir()
    (site.folder / "gateway.key").write_bytes(old.dump())
    (site.folder / "gateway.key").chmod(0o600)
    waiting = site.enrolment.begin(site.invitation)
    collector.state = state
    with site.enrolment.talk(waiting.url) as talk, pytest.raises(Refused):
        site.enrolment.approved(talk, waiting)
    assert site.identity.signer().keyid == old.keyid
    assert site.enrolment.waiting() is None


def test_an_approval_somebody_else_signed_is_no_answer(site, collector):
    waiting = site.enrolment.begin(site.invitation)
    collector.state, collector.answers_with = "active", Ed25519Signer.generate()
    with site.enrolment.talk(waiting.url) as talk:
        with pytest.raises(NotAnAnswer):
            site.enrolment.approved(talk, waiting)
        with pytest.raises(NotAnAnswer):
            site.enrolment.finish(talk, waiting)
    assert not (site.folder / "trust.json").exists()
    assert site.identity.signer() is None


@pytest.mark.parametrize(
    "page",
    [
        (200, b"<html>please log in</html>"),
        (302, b""),
        (502, b"<html>bad gateway</html>"),
        (403, b'{"code": 7}'),
        (200, b'{"salt": "zz"}'),
        (200, b"[" * 5000),
    ],
)
def test_a_portals_page_is_told_and_costs_nothing(site, collector, page):
    collector.page = page
    with pytest.raises((UplinkRefused, NotAnAnswer)) as found:
        site.enrolment.begin(site.invitation)
    assert found.value.code in ("ENROL_NOT_OURS", "NOT_AN_ANSWER")
    assert collector.heard == ["/api/v1/enrolment/hello"]


def test_the_collectors_own_refusal_is_told_as_it_said_it(site, collector):
    refusal = {"code": "ENROLMENT_LOCKED", "params": {"seconds": 9}, "request": "r"}
    collector.page = (429, json.dumps(refusal).encode())
    with pytest.raises(UplinkRefused) as found:
        site.enrolment.begin(site.invitation)
    assert (found.value.code, found.value.params) == ("ENROLMENT_LOCKED", {"seconds": 9})


@pytest.mark.parametrize("cost", [{"n": 1 << 16, "r": 64, "p": 1}, {"n": 3, "r": 8, "p": 1}])
def test_a_collector_cannot_make_the_gateway_work_itself_to_death(site, collector, cost):
    collector.cost = cost
    with pytest.raises(NotAnAnswer):
        site.enrolment.begin(site.invitation)


def test_nobody_at_the_address_is_told(site, collector):
    collector.server.server_close()
    with pytest.raises(UplinkUnavailable) as found:
        site.enrolment.begin(site.invitation)
    assert found.value.code == "ENROL_UNREACHABLE"


def test_a_key_from_systemd_counts_and_none_is_made(tmp_path):
    given = Ed25519Signer.generate()
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / CREDENTIAL).write_bytes(given.dump())
    identity = Identity(tmp_path / "identity", {"CREDENTIALS_DIRECTORY": str(tmp_path / "given")})
    assert identity.make().keyid == identity.signer().keyid == given.keyid
    assert identity.pending().keyid == given.keyid
    identity.approved()
    identity.refused()
    assert identity.signer().keyid == given.keyid
    assert not (tmp_path / "identity").exists()


def test_a_key_others_can_read_or_nobody_can_is_not_used(tmp_path):
    identity = Identity(tmp_path, {})
    assert identity.signer() is None
    file = tmp_path / "gateway.key"
    file.write_bytes(Ed25519Signer.generate().dump())
    file.chmod(0o640)
    with pytest.raises(KeyFileUnusable) as found:
        identity.signer()
    assert found.value.code == "ENROL_KEY_OPEN"
    file.write_bytes(b"no key")
    file.chmod(0o600)
    with pytest.raises(KeyFileUnusable) as found:
        identity.signer()
    assert found.value.code == "ENROL_KEY_BAD"


def test_a_damaged_record_of_waiting_is_none(site):
    site.folder.mkdir()
    for content in (b"", b"{}", b"\xff", b"[" * 9999):
        (site.folder / enrolment_record.FILE).write_bytes(content)
        assert enrolment_record.load(site.folder) is None


def test_digits_are_drawn_three_by_three():
    lines = big("308536").splitlines()
    assert len(lines) == 5
    assert all("     " in line for line in lines)
