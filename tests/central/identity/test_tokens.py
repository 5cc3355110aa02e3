from central.identity import persons, tokens
from central.identity.principal import Kind
from central.identity.roles import Permission, Role
from central.identity.tokens import Token


async def put(db, **fields):
    token = Token(id=tokens.new_id(), name="t", created=1, created_by="ann", **fields)
    return token, await db.write(lambda t: tokens.put(t, token))


async def test_a_gateway_token_is_its_gateway(desk, db):
    _, secret = await put(db, kind=Kind.GATEWAY, gateway="gw-1")
    who = await desk.by_token(secret)
    assert secret.startswith("fsg_")
    assert (who.name, who.kind, who.gateway) == ("gw-1", Kind.GATEWAY, "gw-1")
    assert [p for p in Permission if who.may(p)] == [Permission.INGEST]
    assert not who.sees("any site")


async def test_a_gateway_does_not_wait_behind_somebodys_long_query(desk, db):
    _, secret = await put(db, kind=Kind.GATEWAY, gateway="gw-1")
    who = await desk.by_token(secret)

    async def never(work, deadline=1.0):
        raise AssertionError("the tables were asked")

    db.glance = never
    assert await desk.by_token(secret) == who


async def test_a_gateway_revoked_while_it_is_being_looked_up_is_not_remembered(desk, db):
    token, secret = await put(db, kind=Kind.GATEWAY, gateway="gw-1")
    read = db.glance

    async def overtaken(work, deadline=1.0):
        found = await read(work)
        await db.write(lambda t: tokens.revoke(t, token.id, 9), lambda _: desk.revoked())
        return found

    db.glance = overtaken
    assert await desk.by_token(secret)
    db.glance = read
    assert await desk.by_token(secret) is None


async def test_a_revoked_token_is_nobody_from_the_next_request_on(desk, db):
    token, secret = await put(db, kind=Kind.SYSTEM, roles=frozenset({Role.VIEWER}))
    who = await desk.by_token(secret)
    assert await db.write(lambda t: tokens.revoke(t, token.id, 9)) == "t"
    assert await desk.by_token(secret) is None
    assert await desk.still(who) is None
    assert await db.write(lambda t: tokens.revoke(t, token.id, 9)) is None


async def test_a_persons_token_never_exceeds_the_person(desk, db):
    roles = frozenset({Role.OPERATOR, Role.ADMINISTRATOR})
    _, secret = await put(db, kind=Kind.PERSON, roles=roles, person="duty")
    who = await desk.by_token(secret)
    assert (who.name, who.roles, who.scope) == ("duty", {Role.OPERATOR}, None)
    await db.write(lambda t: persons.put(t, "duty", frozenset({Role.VIEWER}), 2))
    assert (await desk.by_token(secret)).roles == frozenset()


async def test_a_persons_token_sees_what_both_may_see(desk, db):
    await db.write(lambda t: t.execute('UPDATE person SET scope = \'{"sites": ["a", "b"]}\''))
    roles = frozenset({Role.OPERATOR})
    _, wide = await put(db, kind=Kind.PERSON, roles=roles, person="duty")
    sites = frozenset({"b", "c"})
    _, narrow = await put(db, kind=Kind.PERSON, roles=roles, person="duty", scope=sites)
    assert (await desk.by_token(wide)).scope == {"a", "b"}
    assert (await desk.by_token(narrow)).scope == {"b"}


async def test_the_token_of_a_disabled_person_is_nobody(desk, db):
    _, secret = await put(db, kind=Kind.PERSON, roles=frozenset({Role.VIEWER}), person="duty")
    await db.write(lambda t: t.execute("UPDATE person SET disabled = 1"))
    assert await desk.by_token(secret) is None


async def test_tokens_are_listed_without_secrets(desk, db):
    token, secret = await put(db, kind=Kind.SYSTEM, roles=frozenset({Role.VIEWER}))
    found = await db.read(tokens.listed)
    assert found == [token]
    assert secret not in repr(found)
