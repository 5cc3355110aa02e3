"""Who signs is who he says, once, and is answered in kind; everybody else is told why not."""

from dataclasses import replace

import httpx2
import pytest

from central.api.app import create_app
from central.api.signed import TOLD_AS
from central.collector import Collector
from central.identity import audit, gateway_keys, tokens
from central.identity.principal import Kind
from protocols.signing.answer import must_be_signed
from protocols.signing.keys import Ed25519Signer
from protocols.signing.request import BATCHES, OPENINGS, OTHERS, Message, sign_request
from protocols.texts import catalogue, text
from protocols.wire.answer import parse_answer
from protocols.wire.cursors import encode_question, parse_cursors
from protocols.wire.headers import (
    CHAIN,
    CLOCK,
    CONTENT_DIGEST,
    LANE,
    NONCE,
    content_digest,
    new_nonce,
)
from protocols.wire.manifest import manifest_digest
from protocols.wire.opening import decode_opening, encode_opening
from protocols.wire.request import compress
from tests.central.api.conftest import furnish
from tests.central.builders import SECOND, START, Gateway, HandClock, config_in

BASE = "/api/v1/ingest/"


class Site:
    """A real collector behind its API, and a gateway with a key."""

    def __init__(self, collector, clock):
        self.collector = collector
        self.clock = clock
        self.rooms = furnish(collector, clock)
        self.key = Ed25519Signer.generate()
        self.gateway = Gateway(clock)
        transport = httpx2.ASGITransport(
            create_app(self.rooms, with_demo=False), raise_app_exceptions=False,
            client=("10.0.0.7", 5),
        )  # fmt: skip
        self.client = httpx2.AsyncClient(transport=transport, base_url="http://collector")
        self.challenge = None

    async def trust(self, key=None):
        public = (key or self.key).public
        await self.collector.db.write(
            lambda t: gateway_keys.add(t, "gw", public, "admin", self.clock.now()),
            lambda _: self.rooms.desk.revoked(),
        )

    async def revoke(self, key=None):
        keyid = (key or self.key).keyid
        return await self.collector.db.write(
            lambda t: gateway_keys.revoke(t, keyid, "admin", self.clock.now()),
            lambda _: self.rooms.desk.revoked(),
        )

    async def token(self):
        token = tokens.Token(
            id=tokens.new_id(), name="gw", kind=Kind.GATEWAY, gateway="gw", created=0,
            created_by="admin",
        )  # fmt: skip
        secret = await self.collector.db.write(lambda t: tokens.put(t, token))
        return {"Authorization": f"Bearer {secret}"}

    def fields(self, method, path, body, key=None, nonce=None, components=OTHERS, **more):
        own = more.pop("own", new_nonce())
        fields = {CONTENT_DIGEST: content_digest(body), NONCE: own, **more}
        bound = fields[CHAIN] if components == BATCHES else own
        if method == "PUT" and path.startswith("streams/"):
            components = OPENINGS
            fields.setdefault(CLOCK, self.gateway.clock_field())
        message = Message(
            method=method, path=BASE + path, content_digest=fields[CONTENT_DIGEST], bound=bound,
            clock="" if components == OTHERS else fields[CLOCK],
        )  # fmt: skip
        return fields | sign_request(key or self.key, message, nonce or own, components)

    async def put(self, path, body, key=None, **more):
        fields = self.fields("PUT", path, body, key, **more)
        return await self.client.put(BASE + path, content=body, headers=fields)

    async def register(self, stream):
        body, encoding = compress(self.gateway.manifest)
        digest = manifest_digest(self.gateway.manifest)
        fields = {"Content-Encoding": encoding}
        made = await self.put(f"manifests/{digest}", body, **fields)
        assert (made.status_code, made.content) == (200, b"")
        return await self.put(f"streams/{stream.id}", stream.opening)

    def batches(self, stream, key=None, **changed):
        """Return path, body and signed fields of a request for all of `stream`."""
        asked = replace(self.gateway.request(stream), **changed)
        path = f"streams/{stream.id}/batches"
        fields = {
            CHAIN: asked.chain, CLOCK: asked.clock, LANE: asked.lane,
            "Content-Encoding": asked.encoding,
        }  # fmt: skip
        fields = self.fields(
            "POST", path, asked.body, key, components=BATCHES, own=asked.nonce, **fields
        )
        return BASE + path, asked.body, fields

    async def post(self, path, body, key=None, nonce=None):
        """Post with the number that waits, asked for when there is none."""
        fields = self.fields("POST", path, body, key, nonce)
        return await self.client.post(BASE + path, content=body, headers=fields), fields

    async def told(self):
        await self.rooms.guards.incidents.flush()
        lines = await self.collector.db.read(lambda conn: audit.page(conn, 100))
        return [line.action for line in reversed(lines)]


@pytest.fixture
async def site(tmp_path):
    clock = HandClock()
    async with await Collector.open(config_in(tmp_path), clock) as collector:
        await collector.registry.add_gateway("gw", None, None)
        made = Site(collector, clock)
        await made.trust()
        async with made.client:
            yield made


def signed_stream(gateway):
    """Open a stream that says it is signed."""
    stream = gateway.open()
    opening = replace(decode_opening(stream.opening), sig_alg="ed25519")
    stream.opening = encode_opening(opening)
    return stream


async def test_a_gateway_with_a_key_delivers_and_gets_signed_answers(site):
    stream = signed_stream(site.gateway)
    assert (await site.register(stream)).status_code == 200
    site.gateway.seal(stream, site.gateway.reading("level", 50.0))
    path, body, fields = site.batches(stream)
    answer = await site.client.post(path, content=body, headers=fields)
    must_be_signed(answer.content, site.collector.signer.public)
    said = parse_answer(answer.content, stream.id, fields[NONCE])
    assert (answer.status_code, said.code, said.committed) == (200, None, 1)
    delivered = site.clock.now()
    site.clock.move(20)
    again = await site.client.post(path, content=body, headers=fields)
    must_be_signed(again.content, site.collector.signer.public)
    assert (again.status_code, said.committed) == (200, 1), "a duplicate, and no effect"
    assert (await site.register(stream)).status_code == 200
    assert site.collector.registry.gateway("gw").last_contact == delivered, "nor a sign of life"
    first, _ = await site.post("health", b"{}")
    await site.post("health", b"{}", nonce=first.json()["params"]["nonce"])
    assert site.collector.registry.gateway("gw").last_contact == site.clock.now()


async def test_a_refusal_that_says_where_to_go_on_is_signed_too(site):
    stream = signed_stream(site.gateway)
    await site.register(stream)
    site.gateway.seal(stream, site.gateway.reading("level", 50.0))
    site.gateway.seal(stream, site.gateway.reading("level", 51.0))
    del stream.batches[0], stream.heads[0]
    path, body, fields = site.batches(stream)
    answer = await site.client.post(path, content=body, headers=fields)
    must_be_signed(answer.content, site.collector.signer.public)
    assert (answer.status_code, answer.json()["code"]) == (409, "GAP")


async def test_a_request_that_was_changed_on_the_way_is_refused(site):
    stream = signed_stream(site.gateway)
    await site.register(stream)
    site.gateway.seal(stream, site.gateway.reading("level", 50.0))
    path, body, fields = site.batches(stream)
    hour_ago = fields[CLOCK].replace(f"wall={START}", f"wall={START - 3600 * SECOND}")
    assert hour_ago != fields[CLOCK]
    for name, value in (
        (CHAIN, "seq=1;h=" + "0" * 64), (CONTENT_DIGEST, content_digest(b"x")), (CLOCK, hour_ago),
    ):  # fmt: skip
        answer = await site.client.post(path, content=body, headers=fields | {name: value})
        assert (answer.status_code, answer.json()["code"]) == (401, "SIGNATURE")
    without = {name: value for name, value in fields.items() if name != CLOCK}
    answer = await site.client.post(path, content=body, headers=without)
    assert (answer.status_code, answer.json()["code"]) == (401, "SIGNATURE")
    answer = await site.client.post(path, content=body, headers=fields | {NONCE: new_nonce()})
    assert (answer.status_code, answer.json()["code"]) == (401, "SIGNATURE")
    other = await site.client.post(path, content=body + b"x", headers=fields)
    assert (other.status_code, other.json()["code"]) == (400, "DIGEST")
    asked = await site.client.post(path + "?x=1", content=body, headers=fields)
    assert (asked.status_code, asked.json()["code"]) == (401, "SIGNATURE")
    tricked = path.replace("streams", "%73treams")
    asked = await site.client.post(tricked, content=body, headers=fields)
    assert (asked.status_code, asked.json()["code"]) == (401, "SIGNATURE")
    kept = await site.collector.db.read(
        lambda conn: [
            conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("evidence", "journal", "boot")
        ]
    )
    assert kept == [0, 0, 0], "nothing of it was stored, and no boot placed by it"
    good = await site.client.post(path, content=body, headers=fields)
    assert (good.status_code, good.json()["committed"]) == (200, 1)


async def test_the_clocks_of_an_opening_cannot_be_moved(site):
    stream, other = signed_stream(site.gateway), signed_stream(site.gateway)
    await site.register(stream)
    path = f"streams/{other.id}"
    fields = site.fields("PUT", path, other.opening)
    moved = fields | {CLOCK: fields[CLOCK].replace("mono=1", "mono=2")}
    assert moved != fields
    answer = await site.client.put(BASE + path, content=other.opening, headers=moved)
    assert (answer.status_code, answer.json()["code"]) == (401, "SIGNATURE")
    # A clock that is signed and none is refused for what it is.
    answer = await site.put(path, other.opening, **{CLOCK: "boot=7"})
    assert (answer.status_code, answer.json()["code"]) == (400, "WIRE")
    opened = await site.collector.db.read(
        lambda conn: conn.execute("SELECT id FROM stream").fetchall()
    )
    assert opened == [(stream.id,)]


async def test_a_known_keys_refusals_are_told_with_their_number(site):
    for _ in range(3):
        fields = site.fields("POST", "health", b"{}")
        fields["Signature"] = "fengsui=:" + "A" * 86 + "==:"
        answer = await site.client.post(f"{BASE}health", content=b"{}", headers=fields)
        assert (answer.status_code, answer.json()["code"]) == (401, "SIGNATURE")
    await site.told()
    (event,) = (await site.collector.events(kind="security")).items
    said = {"gateway": "gw", "reason": "signature", "address": "10.0.0.7", "count": 3}
    assert (event.code, event.subject, event.params) == ("SIGNATURE_REFUSED", "gw", said)
    assert "{" not in text(event.code, event.params, "en") + text(event.code, event.params)
    broken = fields | {"Signature-Input": "fengsui=()"}
    await site.client.post(f"{BASE}health", content=b"{}", headers=broken)
    assert "PROOF_REFUSED" in await site.told(), "what cannot be read is no gateway's"


async def test_every_refusal_of_a_signature_is_told_in_its_own_words():
    assert set(TOLD_AS.values()) <= set(catalogue("zh"))
    for code in TOLD_AS.values():
        assert "{count}" in catalogue("en")[code]


async def test_refusals_are_in_the_audit_once_a_minute(site):
    stranger = Ed25519Signer.generate()
    for _ in range(3):
        answer, _ = await site.post("health", b"{}", stranger)
        assert (answer.status_code, answer.json()["code"]) == (401, "SIGNER_UNKNOWN")
    assert (await site.told()).count("SIGNER_REFUSED") == 1
    await site.post("health", b"{}", stranger)
    assert (await site.told()).count("SIGNER_REFUSED") == 1
    assert site.collector.ingest.figures.refused["SIGNER_UNKNOWN"] == 4
    found = await site.collector.events(kind="security")
    assert [(event.code, event.subject) for event in found.items] == [
        ("SIGNER_REFUSED", "10.0.0.7")
    ]
    assert (found.items[0].params["count"], found.items[0].params["keyid"]) == (3, stranger.keyid)


async def test_a_revoked_key_is_out_at_its_next_request(site):
    answer, _ = await site.post("health", b"{}")
    assert answer.json()["code"] == "NONCE", "the key is good, only its number is missing"
    assert await site.revoke() == "gw"
    answer, _ = await site.post("health", b"{}")
    assert (answer.status_code, answer.json()["code"]) == (401, "KEY_REVOKED")
    assert await site.revoke() is None


async def test_a_new_key_ends_the_old_one(site):
    await site.post("health", b"{}")
    new = Ed25519Signer.generate()
    await site.trust(new)
    answer, _ = await site.post("health", b"{}")
    assert answer.json()["code"] == "KEY_REVOKED"
    answer, _ = await site.post("health", b"{}", new)
    assert answer.json()["code"] == "NONCE"


async def test_a_token_ends_where_a_key_begins(site):
    await site.revoke()
    bearer = await site.token()
    answer = await site.client.post(f"{BASE}health", content=b"{}", headers=bearer)
    assert answer.status_code == 200
    await site.trust(Ed25519Signer.generate())
    answer = await site.client.post(f"{BASE}health", content=b"{}", headers=bearer)
    assert (answer.status_code, answer.json()["code"]) == (401, "KEY_REQUIRED")


async def test_a_key_that_is_held_lets_nobody_in_and_no_token_either(site):
    bearer = await site.token()
    await site.collector.db.write(
        lambda t: t.execute("UPDATE gateway_key SET state = 'held'"),
        lambda _: site.rooms.desk.revoked(),
    )
    answer, _ = await site.post("health", b"{}")
    assert (answer.status_code, answer.json()["code"]) == (401, "KEY_HELD")
    answer = await site.client.post(f"{BASE}health", content=b"{}", headers=bearer)
    assert (answer.status_code, answer.json()["code"]) == (401, "KEY_REQUIRED")


async def test_health_and_cursors_go_by_a_number_that_is_good_once(site):
    first, _ = await site.post("health", b"{}")
    assert (first.status_code, first.json()["code"]) == (401, "NONCE")
    asked, fields = await site.post("health", b"{}", nonce=first.json()["params"]["nonce"])
    assert asked.status_code == 200
    played = await site.client.post(f"{BASE}health", content=b"{}", headers=fields)
    assert (played.status_code, played.json()["code"]) == (401, "REPLAYED")
    assert "REPLAY_REFUSED" in await site.told()
    question = encode_question(["ab" * 16])
    answer, fields = await site.post("cursors", question, nonce=asked.headers[NONCE])
    must_be_signed(answer.content, site.collector.signer.public)
    assert parse_cursors(answer.content, fields[NONCE], ["ab" * 16]).streams["ab" * 16].safe == 0
    assert answer.headers[NONCE] != asked.headers[NONCE]


async def test_an_opening_that_promises_a_signature_needs_one(site):
    stream = signed_stream(site.gateway)
    await site.register(stream)
    await site.revoke()
    bearer = await site.token()
    path = f"{BASE}streams/{stream.id}"
    other = signed_stream(site.gateway)
    answer = await site.client.put(
        f"{BASE}streams/{other.id}", content=other.opening, headers=bearer
    )
    assert (answer.status_code, answer.json()["params"]["reason"]) == (400, "SIG_ALG")
    site.gateway.seal(stream, site.gateway.reading("level", 50.0))
    _, body, fields = site.batches(stream)
    bare = {name: value for name, value in fields.items() if not name.startswith("Signature")}
    answer = await site.client.post(f"{path}/batches", content=body, headers=bare | bearer)
    assert (answer.status_code, answer.json()["params"]["reason"]) == (400, "SIG_ALG")
    assert answer.json()["signature"] is None


async def test_what_was_sealed_before_the_key_is_taken_signed(site):
    stream = site.gateway.open()
    assert (await site.register(stream)).status_code == 200
    site.gateway.seal(stream, site.gateway.reading("level", 50.0))
    path, body, fields = site.batches(stream)
    answer = await site.client.post(path, content=body, headers=fields)
    assert (answer.status_code, answer.json()["committed"]) == (200, 1)


async def test_a_body_that_was_not_signed_is_refused_everywhere(site):
    for method, path in (("PUT", "manifests/" + "0" * 64), ("PUT", "streams/" + "a" * 32),
                         ("POST", "cursors"), ("POST", "health")):  # fmt: skip
        fields = site.fields(method, path, b"{}")
        answer = await site.client.request(method, BASE + path, content=b"{ }", headers=fields)
        assert (answer.status_code, answer.json()["code"]) == (400, "DIGEST"), path


async def test_a_key_of_a_gateway_opens_nothing_else(site):
    asked = Message(
        method="GET", path="/api/v1/gateways", content_digest=content_digest(b""), bound="a" * 32
    )
    fields = {CONTENT_DIGEST: asked.content_digest, NONCE: "a" * 32}
    signed = fields | sign_request(site.key, asked, "a" * 32)
    answer = await site.client.get("/api/v1/gateways", headers=signed)
    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")


async def test_a_signature_beats_every_other_proof(site, people):
    answer = await site.client.get(
        "/api/v1/gateways",
        headers={"Signature-Input": "fengsui=()", **await people.session("administrator")},
    )
    assert (answer.status_code, answer.json()["code"]) == (401, "SIGNATURE")
