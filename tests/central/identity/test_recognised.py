"""Who was recognised a moment ago is not asked for again, and is out when anything is written."""

from central.identity import sessions, tokens
from central.identity.principal import Kind
from central.identity.recognised import MOST, STANDS, Recognised
from central.identity.roles import Role

WHO = "duty"


async def session(db, clock):
    return await db.write(lambda tables: sessions.start(tables, WHO, clock.now()))


async def test_a_session_is_asked_for_once_until_something_is_written(desk, db, clock):
    token = await session(db, clock)
    assert desk.recognised(token) is None
    who = await desk.by_session(token)
    assert desk.recognised(token) is who is await desk.by_session(token)
    await db.write(lambda _: None)
    assert desk.recognised(token) is None
    assert await desk.by_session(token) == who
    desk.clock.time += STANDS
    assert desk.recognised(token) is None


async def test_who_is_thrown_out_is_so_at_once(desk, db, clock):
    for throw_out in (
        lambda tables: sessions.end_all(tables, WHO),
        lambda tables: tables.execute("UPDATE person SET disabled = 1 WHERE name = ?", (WHO,)),
    ):
        token = await session(db, clock)
        assert await desk.by_session(token) is not None
        await db.write(throw_out)
        assert desk.recognised(token) is None
        assert await desk.by_session(token) is None


async def test_rights_that_change_count_from_the_next_request(desk, db, clock):
    token = await session(db, clock)
    await desk.by_session(token)
    await db.write(lambda tables: tables.execute("UPDATE person SET roles = '[\"engineer\"]'"))
    who = await desk.by_session(token)
    assert who is not None
    assert who.roles == {Role.ENGINEER}


async def test_a_token_of_a_machine_is_remembered_and_revoked_at_once(desk, db, clock):
    made = tokens.Token(
        id="one", name="pump", kind=Kind.SYSTEM, created=1, created_by=WHO, scope=None
    )
    secret = await db.write(lambda tables: tokens.put(tables, made))
    who = await desk.by_token(secret)
    assert who is not None
    assert await desk.by_token(secret) is who
    await db.write(lambda tables: tokens.revoke(tables, "one", clock.now()))
    assert await desk.by_token(secret) is None


async def test_a_session_is_no_token_and_a_token_no_session(desk, db, clock):
    token = await session(db, clock)
    await desk.by_session(token)
    assert await desk.by_token(token) is None
    made = tokens.Token(id="one", name="pump", kind=Kind.SYSTEM, created=1, created_by=WHO)
    secret = await db.write(lambda tables: tokens.put(tables, made))
    await desk.by_token(secret)
    assert desk.recognised(secret) is None
    assert await desk.by_session(secret) is None


async def test_nothing_is_taken_while_something_is_written_and_never_too_much(desk, db, clock):
    token = await session(db, clock)
    who = await desk.by_session(token)
    assert who is not None
    held = Recognised()
    held.put("one", who, 7, (0, 10))
    assert held.find("one", 7, 5) is None
    for nth in range(MOST + 1):
        held.put(str(nth), who, 8, (0, 10))
    assert held.find("0", 8, 5) is None
    assert held.find(str(MOST), 8, 5) is who
    assert held.find(str(MOST), 8, 10) is None
    assert held.find(str(MOST), 8, -1) is None
