import asyncio

import pytest

from central.identity import audit, persons, sessions
from central.identity.desk import LinkRefused, LoginLocked, LoginRefused, Visit
from central.identity.lockout import FREE
from central.identity.passwords import AT_ONCE, WAITING, TooManyLogins, WeakPassword
from central.identity.principal import Kind
from central.identity.roles import Role
from protocols.clock import HOUR, MINUTE
from tests.central.identity.conftest import PASSWORD
from tests.central.identity.hands import cheap_passwords

HERE = Visit(address="10.0.0.1")


async def actions(db):
    lines = await db.read(lambda conn: audit.page(conn, 100))
    return [line.action for line in reversed(lines)]


async def test_the_right_password_opens_a_session(desk, db):
    token = await desk.login("duty", PASSWORD, HERE)
    who = await desk.by_session(token)
    assert (who.name, who.kind, who.roles) == ("duty", Kind.SESSION, {Role.OPERATOR})
    assert await actions(db) == ["LOGIN"]


@pytest.mark.parametrize(("name", "password"), [("duty", "wrong"), ("nobody", PASSWORD)])
async def test_wrong_name_and_wrong_password_get_the_same_answer(desk, db, name, password):
    with pytest.raises(LoginRefused) as refused:
        await desk.login(name, password, HERE)
    assert refused.value.params == {}
    assert await actions(db) == ["LOGIN_FAILED"]


async def test_a_person_without_a_password_cannot_log_in(desk, db, clock):
    await db.write(lambda t: persons.put(t, "new", frozenset({Role.VIEWER}), clock.now()))
    with pytest.raises(LoginRefused):
        await desk.login("new", "", HERE)


async def test_no_secret_is_stored(desk, db):
    token = await desk.login("duty", PASSWORD, HERE)
    code = await db.write(lambda t: persons.make_link(t, "duty", desk.clock.now()))

    def everything(conn):
        tables = [r[0] for r in conn.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        return repr([conn.execute(f"SELECT * FROM {t}").fetchall() for t in tables])

    stored = await db.read(everything)
    assert "duty" in stored
    assert not any(secret in stored for secret in (token, code, PASSWORD))


async def test_login_replaces_the_session_in_the_cookie(desk):
    old = await desk.login("duty", PASSWORD, HERE)
    new = await desk.login("duty", PASSWORD, Visit(address="10.0.0.1", replaces=old))
    assert new != old
    assert await desk.by_session(old) is None
    assert await desk.by_session(new)


async def test_logout_ends_it_at_once(desk, db):
    token = await desk.login("duty", PASSWORD, HERE)
    who = await desk.by_session(token)
    await desk.logout(who)
    assert await desk.by_session(token) is None
    assert await desk.still(who) is None
    assert await actions(db) == ["LOGIN", "LOGOUT"]


async def test_a_session_ends_14_hours_after_login_however_busy(desk, clock):
    token = await desk.login("duty", PASSWORD, HERE)
    for _ in range(13):
        clock.time += HOUR
        assert await desk.by_session(token)
    clock.time += HOUR
    assert await desk.by_session(token) is None


async def test_an_unused_session_ends_after_12_hours(desk, clock):
    token = await desk.login("duty", PASSWORD, HERE)
    clock.time += 12 * HOUR - 1
    assert await desk.by_session(token)  # notes the use
    token = await desk.login("duty", PASSWORD, HERE)
    clock.time += 12 * HOUR
    assert await desk.by_session(token) is None


async def test_use_is_written_once_a_minute_at_most(desk, db, clock):
    token = await desk.login("duty", PASSWORD, HERE)

    async def seen():
        return (await db.read(lambda c: c.execute("SELECT seen FROM session").fetchone()))[0]

    first = await seen()
    clock.time += sessions.TOUCH - 1
    await desk.by_session(token)
    assert await seen() == first
    clock.time += 1
    await desk.by_session(token)
    assert await seen() == first + sessions.TOUCH


async def test_a_disabled_person_is_out_at_once(desk, db):
    token = await desk.login("duty", PASSWORD, HERE)
    await db.write(lambda t: t.execute("UPDATE person SET disabled = 1 WHERE name = 'duty'"))
    assert await desk.by_session(token) is None
    with pytest.raises(LoginRefused):
        await desk.login("duty", PASSWORD, HERE)


async def test_a_new_password_ends_the_old_sessions(desk, db):
    token = await desk.login("duty", PASSWORD, HERE)
    hashed = cheap_passwords().hash("duty", "another good password")
    await db.write(lambda t: persons.set_password(t, "duty", hashed))
    assert await desk.by_session(token) is None


async def test_guessing_is_slowed_down_and_audited(desk, db, clock):
    for _ in range(FREE):
        with pytest.raises(LoginRefused):
            await desk.login("duty", "guess", HERE)
    with pytest.raises(LoginLocked) as locked:
        await desk.login("duty", PASSWORD, HERE)
    assert locked.value.params == {"seconds": 1}
    assert await actions(db) == ["LOGIN_FAILED"] * FREE
    clock.time += 1_000_000
    assert await desk.login("duty", PASSWORD, HERE)


@pytest.mark.parametrize("name", ["duty", "nobody"])
async def test_who_is_locked_is_told_at_once_and_no_wait_tells_who_there_is(desk, db, name):
    told = []
    desk.guessed = lambda *heard: told.append(heard)
    for _ in range(FREE):
        assert told == []
        with pytest.raises(LoginRefused):
            await desk.login(name, "guess", HERE)
    assert told == [(HERE.address, FREE)]
    with pytest.raises(LoginLocked):
        await desk.login(name, PASSWORD, HERE)
    lines = await db.read(lambda conn: audit.page(conn, 100))
    assert {line.actor for line in lines} == {"duty" if name == "duty" else ""}


async def test_a_link_works_once(desk, db, clock):
    code = await db.write(lambda t: persons.make_link(t, "duty", clock.now()))
    token = await desk.login_by_link(code, HERE)
    assert (await desk.by_session(token)).name == "duty"
    with pytest.raises(LinkRefused):
        await desk.login_by_link(code, HERE)
    assert await actions(db) == ["LOGIN_BY_LINK", "LINK_FAILED"]


async def test_a_link_used_twice_at_the_same_moment_works_once(desk, db, clock):
    code = await db.write(lambda t: persons.make_link(t, "duty", clock.now()))
    tries = (desk.login_by_link(code, HERE) for _ in range(4))
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["LinkRefused"] * 3 + ["str"]


async def test_a_link_is_too_old_after_ten_minutes(desk, db, clock):
    code = await db.write(lambda t: persons.make_link(t, "duty", clock.now()))
    clock.time += 10 * MINUTE
    with pytest.raises(LinkRefused):
        await desk.login_by_link(code, HERE)


async def test_a_forged_cookie_is_nobody(desk):
    assert await desk.by_session("x" * 43) is None
    assert await desk.by_session("\ud800") is None
    assert await desk.by_token("fsg_" + "x" * 43) is None


async def test_more_logins_than_can_wait_are_told_to_come_back():
    passwords = cheap_passwords()
    waiting = [asyncio.create_task(passwords.verify("x", None)) for _ in range(WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyLogins):
        await passwords.verify("x", None)
    assert await asyncio.gather(*waiting) == [False] * WAITING
    assert AT_ONCE == 2


async def test_a_name_nobody_has_is_verified_all_the_same():
    verified = []

    class Watched:
        def hash(self, password):
            return "of nobody"

        def verify(self, password, stored):
            verified.append(stored)
            return True

    from central.identity.passwords import Passwords

    passwords = Passwords(Watched())
    assert await passwords.verify("x", None) is False
    assert await passwords.verify("x", "of ann") is True
    assert verified == ["of nobody", "of ann"]


@pytest.mark.parametrize("password", ["short", "x" * 1025, "a-long-enough-name"])
def test_a_weak_password_is_refused(password):
    with pytest.raises(WeakPassword):
        cheap_passwords().hash("A-long-enough-NAME", password)
