import pytest

from central.identity import audit
from central.identity.audit import Act

ACTS = [
    Act(time=1, actor="ann", action="LOGIN", subject="ann"),
    Act(time=2, actor="ann", action="TOKEN_CREATED", subject="token/1", detail={"名": "抄表"}),
    Act(time=2, actor="bob", action="LOGIN", subject="bob", detail={"address": "::1", "n": 3}),
]


@pytest.fixture
async def chain(db):
    for act in ACTS:
        await db.write(lambda tables, act=act: audit.append(tables, act))
    return db


async def test_an_untouched_chain_is_whole(chain):
    verdict = await chain.read(audit.verify)
    assert (verdict.lines, verdict.broken) == (3, None)
    newest = (await chain.read(lambda conn: audit.page(conn, 1)))[0]
    assert verdict.head == newest.hash


async def test_an_empty_audit_is_whole(db):
    assert await db.read(audit.verify) == audit.Verdict(lines=0, head=audit.START)


@pytest.mark.parametrize("column", ["time", "actor", "action", "subject", "detail", "prev", "hash"])
async def test_the_first_changed_line_is_named(chain, column):
    value = 7 if column == "time" else '{"x":1}'
    await chain.write(lambda db: db.execute(f"UPDATE audit SET {column} = ? WHERE id = 2", [value]))
    assert (await chain.read(audit.verify)).broken == 2


async def test_a_line_taken_out_is_named(chain):
    await chain.write(lambda db: db.execute("DELETE FROM audit WHERE id = 2"))
    assert (await chain.read(audit.verify)).broken == 2


async def test_a_line_rewritten_with_a_fresh_hash_breaks_the_next(chain):
    def forge(db):
        db.execute("DELETE FROM audit WHERE id >= 2")
        audit.append(db, Act(time=2, actor="eve", action="LOGIN", subject="eve"))
        db.execute(
            "INSERT INTO audit VALUES (3, 2, 'bob', 'LOGIN', 'bob', '{}', ?, 'f')", [audit.START]
        )

    await chain.write(forge)
    assert (await chain.read(audit.verify)).broken == 3


async def test_an_act_that_fails_leaves_no_line(chain):
    def act(db):
        audit.append(db, Act(time=3, actor="ann", action="X", subject="y"))
        raise LookupError

    with pytest.raises(LookupError):
        await chain.write(act)
    assert (await chain.read(audit.verify)).lines == 3


async def test_pages_are_newest_first_and_keep_detail(chain):
    first = await chain.read(lambda conn: audit.page(conn, 2))
    rest = await chain.read(lambda conn: audit.page(conn, 2, first[-1].id))
    assert [line.id for line in (*first, *rest)] == [3, 2, 1]
    assert first[1].detail_params() == {"名": "抄表"}
