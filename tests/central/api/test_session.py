import http.cookies

import pytest

from central.identity import audit, persons
from central.identity.roles import Role
from tests.central.api.conftest import PASSWORD
from tests.central.identity.hands import cheap_passwords

LOGIN = {"name": "duty", "password": PASSWORD}


@pytest.fixture(autouse=True)
async def duty(db, clock):
    hashed = cheap_passwords().hash("duty", PASSWORD)

    def make(t):
        persons.put(t, "duty", frozenset({Role.OPERATOR}), clock.now())
        persons.set_password(t, "duty", hashed)

    await db.write(make)


def cookie(answer):
    jar = http.cookies.SimpleCookie(answer.headers["set-cookie"])
    return jar["fengsui_session"]


async def test_login_answers_who_one_is_and_what_time_it_is(client):
    answer = await client.post("/api/v1/session", json=LOGIN)
    assert answer.status_code == 200
    said = answer.json()
    assert said["person"] == {"name": "duty", "roles": ["operator"], "scope": None}
    assert said["clock"] == {
        "now": "2026-05-29T04:26:40.000000+08:00",
        "factor": 1.0,
        "story": False,
    }
    again = await client.get("/api/v1/session")
    assert again.json() == said


async def test_the_cookie_is_kept_from_scripts_and_other_sites(client, app):
    found = cookie(await client.post("/api/v1/session", json=LOGIN))
    assert (found["httponly"], found["samesite"].lower(), found["path"]) == (True, "strict", "/")
    assert found["secure"] == ""
    assert int(found["max-age"]) == 14 * 3600
    secure = cookie(await client.post("https://collector/api/v1/session", json=LOGIN))
    assert secure["secure"] is True


async def test_a_new_login_changes_the_cookie_and_ends_the_old_one(client):
    first = cookie(await client.post("/api/v1/session", json=LOGIN)).value
    second = cookie(await client.post("/api/v1/session", json=LOGIN)).value
    assert first != second
    client.cookies.clear()
    old = await client.get("/api/v1/session", headers={"Cookie": f"fengsui_session={first}"})
    assert old.status_code == 401


async def test_logout_ends_the_session(client):
    await client.post("/api/v1/session", json=LOGIN)
    kept = dict(client.cookies)
    answer = await client.delete("/api/v1/session", headers={"X-Requested-With": "fengsui"})
    assert answer.status_code == 204
    client.cookies.update(kept)
    assert (await client.get("/api/v1/session")).status_code == 401


async def test_a_token_has_no_session_to_end(client, people):
    headers = await people.token("system", "viewer")
    assert (await client.delete("/api/v1/session", headers=headers)).status_code == 204
    assert (await client.get("/api/v1/session", headers=headers)).status_code == 200


async def test_a_link_opens_a_session_once(client, db, clock):
    code = await db.write(lambda t: persons.make_link(t, "duty", clock.now()))
    first = await client.post("/api/v1/session/link", json={"code": code})
    second = await client.post("/api/v1/session/link", json={"code": code})
    assert (first.status_code, second.status_code) == (200, 401)
    assert second.json()["code"] == "LINK_REFUSED"


async def test_wrong_logins_look_alike_and_are_slowed_down(client, db):
    wrong = {"name": "duty", "password": "guess"}
    unknown = {"name": "nobody", "password": PASSWORD}
    first = (await client.post("/api/v1/session", json=wrong)).json()
    other = (await client.post("/api/v1/session", json=unknown)).json()
    assert first.pop("request") != other.pop("request")
    assert first == other == {"code": "LOGIN_REFUSED", "params": {}}
    for _ in range(4):
        await client.post("/api/v1/session", json=wrong)
    locked = await client.post("/api/v1/session", json=LOGIN)
    assert (locked.status_code, locked.headers["retry-after"]) == (429, "1")
    lines = await db.read(lambda conn: audit.page(conn, 9))
    assert {line.detail_params()["address"] for line in lines} == {"10.0.0.1"}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"name": "duty"}, "missing"),
        ({**LOGIN, "admin": True}, "extra_forbidden"),
        ({"name": "duty", "password": ["x"]}, "string_type"),
        ({"name": "x" * 129, "password": "x"}, "string_too_long"),
    ],
)
async def test_what_is_wrong_with_a_body_is_named_but_never_repeated(client, body, kind):
    answer = await client.post("/api/v1/session", json=body)
    said = answer.json()
    assert (answer.status_code, said["code"]) == (422, "INVALID")
    assert [problem["kind"] for problem in said["params"]["problems"]] == [kind]
    assert PASSWORD not in answer.text


async def test_a_form_of_another_site_is_not_a_login(client):
    answer = await client.post(
        "/api/v1/session", content='{"name":"duty","password":"x"}', headers={"Origin": "https://e"}
    )
    assert answer.status_code == 422
