"""Enrolment over the interface: open questions, a signed one, and what people may do."""

import base64

import pytest

from central.identity import audit
from protocols.enrolment import Transcript, digits, id_of, proof, proves, read_code, stretch
from protocols.signing.answer import must_be_signed
from protocols.signing.keys import Ed25519Signer
from protocols.signing.request import Message, sign_request
from protocols.wire.headers import CONTENT_DIGEST, NONCE, content_digest, new_nonce

STATE = "/api/v1/enrolment/state"
WARRANT = "/api/v1/enrolment/warrant"


class OnSite:
    """A gateway that speaks HTTP."""

    def __init__(self, client):
        self.client = client
        self.signer = Ed25519Signer.generate()

    async def hello(self, code, **changed):
        self.code, self.nonce = code, new_nonce()
        said = {
            "id": id_of(code),
            "key": self.signer.public.encode(),
            "nonce": self.nonce,
            "boot": "b" * 32,
            "certificate": None,
        }
        return await self.client.post("/api/v1/enrolment/hello", json=said | changed)

    async def prove(self, welcome):
        salt = bytes.fromhex(welcome["salt"])
        self.key = stretch(self.code, salt, welcome["n"], welcome["r"], welcome["p"])
        self.transcript = Transcript(
            code_id=id_of(self.code),
            boot="b" * 32,
            gateway_nonce=self.nonce,
            collector_nonce=welcome["nonce"],
            gateway_key=self.signer.public.encode(),
            collector_id=welcome["collector"]["id"],
            collector_key=welcome["collector"]["key"],
            certificate=None,
        )
        shown = {
            "id": id_of(self.code),
            "nonce": welcome["nonce"],
            "proof": proof(self.key, "gateway", self.transcript),
        }
        return await self.client.post("/api/v1/enrolment/proof", json=shown)

    async def state(self, signer=None, **changed):
        nonce, digest = new_nonce(), content_digest(b"")
        message = Message(method="GET", path=STATE, content_digest=digest, bound=nonce)
        headers = sign_request(signer or self.signer, message, nonce)
        headers |= {NONCE: nonce, CONTENT_DIGEST: digest}
        return await self.client.get(STATE, headers=headers | changed)

    async def show(self, warrant, signer=None, **changed):
        nonce, digest = new_nonce(), content_digest(warrant)
        message = Message(method="POST", path=WARRANT, content_digest=digest, bound=nonce)
        headers = sign_request(signer or self.signer, message, nonce)
        headers |= {NONCE: nonce, CONTENT_DIGEST: digest}
        return await self.client.post(WARRANT, content=warrant, headers=headers | changed)


@pytest.fixture
def site(client):
    return OnSite(client)


@pytest.fixture
async def admin(people):
    return await people.session("administrator")


async def made(client, admin, **asked):
    answer = await client.post(
        "/api/v1/enrolment/codes", json={"gateway": "gw-qingyun"} | asked, headers=admin
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_from_a_code_to_a_key_in_use_and_out_again(client, people, admin, site, rooms):
    issued = await made(client, admin)
    assert base64.b64decode(issued["qr"])[:8] == b"\x89PNG\r\n\x1a\n"
    assert issued["text"] == f"FENGSUI1|http://collector|-|{issued['code']}"
    assert (issued["url"], issued["url_configured"]) == ("http://collector", False)
    assert issued["drawing"]["size"] > 20
    assert issued["drawing"]["path"].startswith("M4 4.5h7")
    code = read_code(issued["code"])
    welcome = (await site.hello(code)).json()
    proved = (await site.prove(welcome)).json()
    assert proves(site.key, "collector", site.transcript, proved["proof"])
    assert proved["digits"] == digits(site.key, site.transcript)
    said = await site.state()
    assert (said.json()["state"], said.json()["keyid"]) == ("pending", site.signer.keyid)
    must_be_signed(said.content, rooms.enrolment.signer.public)

    engineer = await people.session("engineer")
    url = "/api/v1/enrolment/gateways/gw-qingyun"
    wrong = await client.post(f"{url}/approve", json={"answer": "x" * 6}, headers=engineer)
    assert (wrong.status_code, wrong.json()["code"]) == (409, "ENROLMENT_DIGITS_DIFFER")
    done = await client.post(f"{url}/approve", json={"answer": proved["digits"]}, headers=engineer)
    assert [key["state"] for key in done.json()["keys"]] == ["active"]
    assert done.json()["keys"][0]["approved"] == done.json()["now"]
    assert (await site.state()).json()["state"] == "active"
    denied = await client.post(f"{url}/revoke", headers=engineer)
    assert denied.status_code == 403
    gone = await client.post(f"{url}/revoke", headers=admin)
    assert gone.json() == {"ended": [site.signer.keyid]}
    assert (await site.state()).json()["state"] == "revoked"
    lines = await rooms.collector.db.read(lambda conn: audit.page(conn, 50))
    assert "GATEWAY_KEY_REVOKED" in {line.action for line in lines}


async def test_only_the_holder_of_a_key_hears_how_it_stands(client, admin, site):
    await site.prove((await site.hello(read_code((await made(client, admin))["code"]))).json())
    assert (await client.get(STATE)).status_code == 401
    assert (await site.state(signer=Ed25519Signer.generate())).status_code == 401
    assert (await site.state(**{NONCE: "0" * 32})).status_code == 401
    assert (await site.state(**{CONTENT_DIGEST: content_digest(b"x")})).status_code == 401
    assert (await site.state(Signature="fengsui=:AAAA:")).status_code == 401


@pytest.mark.parametrize(
    "changed",
    [
        {"id": "K7U"},
        {"id": "K7"},
        {"key": "ed25519:AAAA"},
        {"key": "none"},
        {"nonce": "x"},
        {"boot": None},
        {"certificate": "x"},
        {"more": 1},
    ],
)
async def test_a_hello_of_another_form_is_refused_and_costs_nothing(client, admin, site, changed):
    code = read_code((await made(client, admin))["code"])
    refused = await site.hello(code, **changed)
    assert refused.status_code == 422, refused.text
    assert (await site.hello(code)).status_code == 200


async def test_an_unknown_code_says_nothing_and_guessing_is_locked(client, site):
    for _ in range(5):
        refused = await site.hello("0000000000")
        assert (refused.status_code, refused.json()["code"]) == (403, "ENROLMENT_CODE_REFUSED")
        assert refused.json()["params"] == {}
    locked = await site.hello("0000000000")
    assert (locked.status_code, locked.json()["code"]) == (429, "ENROLMENT_LOCKED")
    assert int(locked.headers["retry-after"]) >= 1


async def test_a_certificate_over_plain_http_is_not_ours(client, admin, site):
    code = read_code((await made(client, admin))["code"])
    refused = await site.hello(code, certificate="ab" * 32)
    assert (refused.status_code, refused.json()["code"]) == (409, "ENROLMENT_CERTIFICATE_UNKNOWN")


async def test_a_wrong_proof_ends_the_code(client, admin, site):
    code = read_code((await made(client, admin))["code"])
    welcome = (await site.hello(code)).json()
    site.code = code[:3] + "0000000"
    refused = await site.prove(welcome)
    assert (refused.status_code, refused.json()["code"]) == (403, "ENROLMENT_PROOF_REFUSED")
    assert (await site.hello(code)).status_code == 403
    listed = (await client.get("/api/v1/enrolment", headers=admin)).json()
    assert [each["state"] for each in listed["codes"]] == ["burnt"]


async def test_a_work_order_has_to_be_whole_and_its_time_of_use(client, admin):
    order = {"gateway": "gw-qingyun", "site": "qingyun", "work_order": "W-1", "installer": "王"}
    for more, status in (
        ({}, 422),
        ({"opens": "2026-05-28T22:00:00+08:00"}, 422),
        ({"opens": "2020-01-01T00:00:00+08:00", "expires": "2020-01-02T00:00:00+08:00"}, 422),
        ({"opens": "2026-05-01T00:00:00+08:00", "expires": "2027-01-02T00:00:00+08:00"}, 422),
        ({"opens": "2026-05-28T22:00:00+08:00", "expires": "2026-05-30T22:00:00+08:00"}, 201),
    ):
        answer = await client.post("/api/v1/enrolment/codes", json=order | more, headers=admin)
        assert answer.status_code == status, (more, answer.text)
    alone = await client.post(
        "/api/v1/enrolment/codes", json={"gateway": "gw-x", "work_order": "W-1"}, headers=admin
    )
    assert alone.json()["code"] == "ENROLMENT_ORDER_INCOMPLETE"


async def test_all_see_how_keys_stand_and_only_who_approves_codes_and_digits(
    client, people, admin, site
):
    await site.prove((await site.hello(read_code((await made(client, admin))["code"]))).json())
    seen = {}
    for role in ("viewer", "auditor", "engineer"):
        answer = await client.get("/api/v1/enrolment", headers=await people.session(role))
        seen[role] = answer.json()
    assert [key["state"] for key in seen["viewer"]["keys"]] == ["pending"]
    for role in ("viewer", "auditor"):
        assert seen[role]["codes"] == []
        assert seen[role]["keys"][0]["digits"] is None
    assert [code["state"] for code in seen["engineer"]["codes"]] == ["used"]
    assert len(seen["engineer"]["keys"][0]["digits"]) == 6


async def test_the_configured_address_is_in_the_code(client, admin, rooms):
    rooms.enrolment.url = "https://fengsui.example:8443"
    issued = await made(client, admin)
    assert issued["text"].startswith("FENGSUI1|https://fengsui.example:8443|")
    assert issued["url_configured"] is True


async def test_an_engineer_sees_and_approves_his_own_sites_only(client, people, admin, site):
    await site.prove((await site.hello(read_code((await made(client, admin))["code"]))).json())
    other = await people.session("engineer", name="other", scope=("honghaiwan",))
    assert (await client.get("/api/v1/enrolment", headers=other)).json()["keys"] == []
    url = "/api/v1/enrolment/gateways/gw-qingyun/approve"
    hidden = await client.post(url, json={"answer": "123456"}, headers=other)
    assert hidden.status_code == 404


async def test_a_key_that_a_restore_lost_is_taken_back_by_its_warrant(
    client, people, admin, site, rooms, clock
):
    """In this database the key is taken away, and a restore entered: as if a backup stood here."""
    before = clock.now() - 1
    await site.prove((await site.hello(read_code((await made(client, admin))["code"]))).json())
    assert (await site.state()).json()["warrant"] is None
    engineer = await people.session("engineer")
    listed = (await client.get("/api/v1/enrolment", headers=engineer)).json()
    url = "/api/v1/enrolment/gateways/gw-qingyun/approve"
    await client.post(url, json={"answer": listed["keys"][0]["digits"]}, headers=engineer)
    warrant = (await site.state()).json()["warrant"].encode()
    must_be_signed(warrant, rooms.enrolment.signer.public)

    def restore(db):
        db.execute("DELETE FROM gateway_key")
        db.execute(
            "INSERT INTO restoration(file, backup, restored, ended) VALUES ('b', ?, ?, '[]')",
            (before, clock.now()),
        )

    await rooms.collector.db.write(restore)
    assert (await site.state()).status_code == 401
    thief = Ed25519Signer.generate()
    for answer in (
        await site.show(warrant, signer=thief),
        await site.show(warrant.replace(b"gw-qingyun", b"gw-donghu")),
        await site.show(warrant, **{NONCE: "0" * 32}),
        await site.show(warrant, **{CONTENT_DIGEST: content_digest(b"x")}),
        await site.show(b"{}"),
        await client.post(WARRANT, content=warrant),
    ):
        assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")
    assert (await site.show(warrant + b" " * 5_000)).status_code == 413
    back = await site.show(warrant)
    assert (back.status_code, back.json()["state"]) == (200, "active")
    must_be_signed(back.content, rooms.enrolment.signer.public)
    assert (await site.state()).json()["warrant"] == warrant.decode()
    await client.post("/api/v1/enrolment/gateways/gw-qingyun/revoke", headers=admin)
    refused = await site.show(warrant)
    assert (refused.status_code, refused.json()["code"]) == (403, "WARRANT_REFUSED")
    assert refused.json()["params"]["reason"] == "ended"
