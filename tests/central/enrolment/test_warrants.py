"""What a warrant brings back after a restore, and all it does not."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.database import Database
from central.enrolment import keys
from central.enrolment.keys import Key
from central.enrolment.office import After, Office
from central.enrolment.warrants import Restoration, Standing, WarrantRefused, refusal
from central.tls.keeping import Nothing
from central.tls.trust import TrustDesk
from protocols import warrant as warrants
from protocols.errors import FengsuiError, NotAnAnswer, WireError
from protocols.signing.keys import Ed25519Signer
from protocols.texts import text
from protocols.warrant import Warrant
from protocols.words import Label
from tests.central.enrolment.site import OnSite
from tests.central.template import fresh

ID = "0123456789abcdef"
SIGNER, OTHER = Ed25519Signer.generate(), Ed25519Signer.generate()
FROM = "192.0.2.7"
LOST = Restoration(backup=100, restored=200)


def said(approved=150, signer=SIGNER, gateway="gw-1", collector=ID):
    return Warrant(
        collector=collector,
        gateway=gateway,
        key=signer.public.encode(),
        site="s1",
        label=Label("罐区", "Tanks"),
        approved=approved,
        approved_by="duty",
    )


def row(state, gateway="gw-1", signer=SIGNER):
    public = signer.public
    return Key(
        keyid=public.keyid,
        gateway=gateway,
        alg=public.alg,
        public=public.raw,
        state=state,
        created=1,
        approved_by=None,
        ended=None,
        boot_first=None,
    )


def known(key=None, others=(), lost=(LOST,), virtual=False):
    return Standing(collector=ID, key=key, others=others, restorations=lost, virtual=virtual)


ENDED = Restoration(backup=100, restored=200, ended=frozenset({SIGNER.keyid}))
LATER = Restoration(backup=300, restored=400)


@pytest.mark.parametrize(
    ("shown", "standing", "why"),
    [
        (said(), known(), None),
        (said(101), known(), None),
        (said(200), known(), None),
        (said(), known(row("pending")), None),
        (said(), known(row("active"), lost=()), None),
        (said(), known(row("held"), lost=()), None),
        (said(), known(lost=(LOST, LATER)), None),
        # What the backup knew is ended by it; what another gateway ended says nothing.
        (said(), known(others=[("active", 90, None), ("replaced", 50, 80)]), None),
        (said(), known(others=[("revoked", 50, 80)]), None),
        # Of two that came after the backup the younger counts, whoever comes first.
        (said(150), known(others=[("active", 140, None)]), None),
        (said(150), known(others=[("active", 160, None)]), "newer"),
        (said(150), known(others=[("held", 150, None)]), "newer"),
        (said(150), known(others=[("active", 250, None)]), "newer"),
        # Nothing was lost, or not then.
        (said(), known(lost=()), "not_lost"),
        (said(100), known(), "not_lost"),
        (said(201), known(), "not_lost"),
        (said(250), known(lost=(LOST, LATER)), "not_lost"),
        # What is known to have ended stays ended.
        (said(), known(row("revoked")), "ended"),
        (said(), known(row("replaced")), "ended"),
        (said(), known(lost=(ENDED,)), "ended"),
        (said(), known(lost=(LOST, ENDED)), "ended"),
        (said(), known(others=[("revoked", 50, 230)]), "revoked_since"),
        # Another collector's word, another gateway's key, another system's name.
        (said(collector="f" * 16), known(), "collector"),
        (said(gateway="gw-2"), known(row("pending")), "gateway"),
        (said(gateway="gw-2"), known(row("active")), "gateway"),
        (said(), known(virtual=True), "gateway"),
    ],
)
def test_when_a_key_comes_back(shown, standing, why):
    assert refusal(shown, standing) == why


TIMES = st.integers(0, 500)


@given(
    approved=TIMES,
    spans=st.lists(st.tuples(TIMES, TIMES), max_size=3),
    state=st.sampled_from([None, "pending", "active", "held", "revoked", "replaced"]),
    others=st.lists(
        st.tuples(st.sampled_from(["active", "revoked", "replaced"]), TIMES, TIMES), max_size=3
    ),
)
def test_a_key_that_does_not_count_comes_back_only_for_what_was_lost(
    approved, spans, state, others
):
    lost = [Restoration(backup=a, restored=b) for a, b in spans]
    rest = [(kind, at, None if kind == "active" else ended) for kind, at, ended in others]
    key = None if state is None else row(state)
    back = refusal(said(approved), known(key, rest, lost)) is None
    if state in ("active", "held"):
        assert back
    elif back:
        assert state not in ("revoked", "replaced")
        assert any(each.backup < approved <= each.restored for each in lost)
        assert all(at < approved for kind, at, _ in rest if kind == "active")


def test_a_warrant_says_the_same_to_who_reads_it_and_is_the_collectors_alone():
    data = warrants.write(said(), OTHER)
    assert len(data) < warrants.LARGEST
    assert warrants.read(data) == said()
    warrants.must_be_ours(data, OTHER.public)
    with pytest.raises(NotAnAnswer):
        warrants.must_be_ours(data, SIGNER.public)
    for changed in (data.replace(b"150", b"151"), data.replace(b"gw-1", b"gw-2")):
        warrants.read(changed)
        with pytest.raises(NotAnAnswer):
            warrants.must_be_ours(changed, OTHER.public)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "trust"},
        {"collector": "x"},
        {"gateway": "GW 1"},
        {"key": 1},
        {"approved": -1},
        {"approved": 1.5},
        {"approved_by": ""},
        {"label": "x"},
        {"more": 1},
    ],
)
def test_a_warrant_of_another_form_is_none(change):
    body = json.loads(warrants.write(said(), OTHER)) | change
    data = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    with pytest.raises(WireError):
        warrants.read(data)


@pytest.fixture
async def restored(tmp_path, clock, office, told, changes):
    """The office over a database that knows nothing any more, with the same key."""
    database = await Database.open(fresh(tmp_path / "restored.db"), clock)
    trust = TrustDesk(ID, Nothing(), clock, office.signer)
    after = After(
        changed=lambda: changes.append(clock.now()),
        created=lambda entry: told.append(entry),
        tell=lambda effects: told.extend(effects.events),
    )
    made = Office(database, clock, office.signer, trust, after)
    made.db = database
    yield made
    await database.close()


async def lost(office, backup, restored, *ended):
    def put(db):
        db.execute(
            "INSERT INTO restoration(file, backup, restored, ended) VALUES ('b', ?, ?, ?)",
            (backup, restored, json.dumps(ended)),
        )

    await office.db.write(put)


async def enrolled(office, issue, clock):
    """Enrol a gateway once more, a second after the last; return its signer and its warrant."""
    clock.time += 1_000_000
    site = OnSite(office, (await issue(site="s1")).code)
    proved = await site.enrol()
    await office.acts.approve("gw-1", proved.digits, "duty")
    data = await office.warrants.of(site.signer.keyid)
    warrants.must_be_ours(data, office.signer.public)
    return site.signer, warrants.read(data)


async def shown(office, signer, warrant):
    return await office.warrants.take(warrant, signer.public, FROM)


async def rows(office, sql):
    return await office.db.read(lambda conn: conn.execute(sql).fetchall())


async def test_a_gateway_the_backup_never_knew_is_there_again_and_it_is_told(
    office, restored, issue, clock, told, changes
):
    before = clock.now()
    signer, warrant = await enrolled(office, issue, clock)
    with pytest.raises(WarrantRefused) as why:
        await shown(restored, signer, warrant)
    assert why.value.params["reason"] == "not_lost"
    assert [each.code for each in told] == ["WARRANT_REFUSED"]
    clock.time += 1_000_000
    await lost(restored, before, clock.now())
    told.clear()
    changes.clear()
    key = await shown(restored, signer, warrant)
    assert (key.state, key.gateway, key.approved) == ("active", "gw-1", warrant.approved)
    assert await rows(restored, "SELECT name, site FROM gateway") == [("gw-1", "s1")]
    entry, event = told
    assert (entry.name, event.code, event.kind) == ("gw-1", "GATEWAY_CAME_BACK", "security")
    assert (event.params["approved_by"], event.params["address"]) == ("duty", FROM)
    assert "{" not in text(event.code, event.params, "zh")
    assert len(changes) == 1
    actions = await rows(restored, "SELECT action FROM audit ORDER BY id")
    assert actions[-1] == ("GATEWAY_CAME_BACK",)
    # Shown again it says no more; its warrant is the same as ever; revoked it stays out.
    assert (await shown(restored, signer, warrant)).state == "active"
    assert len(told) == 2
    assert warrants.read(await restored.warrants.of(signer.keyid)) == warrant
    await restored.acts.revoke("gw-1", "duty")
    assert await restored.warrants.of(signer.keyid) is None
    with pytest.raises(WarrantRefused) as why:
        await shown(restored, signer, warrant)
    assert why.value.params["reason"] == "ended"


@pytest.mark.parametrize("first", ["older", "younger"])
async def test_of_two_keys_the_younger_counts_whoever_comes_first(
    office, restored, issue, clock, first
):
    before = clock.now()
    older = await enrolled(office, issue, clock)
    younger = await enrolled(office, issue, clock)
    await lost(restored, before, clock.now())
    if first == "older":  # a stolen key whose end was lost too: told, and out with the next
        await shown(restored, *older)
        await shown(restored, *younger)
    else:
        await shown(restored, *younger)
        with pytest.raises(WarrantRefused):
            await shown(restored, *older)
    found = dict(await rows(restored, "SELECT keyid, state FROM gateway_key"))
    assert found.pop(younger[0].keyid) == "active"
    assert found == ({older[0].keyid: "replaced"} if first == "older" else {})


async def test_the_key_of_the_backup_ends_for_the_one_that_replaced_it(
    office, restored, issue, clock
):
    old, _ = await enrolled(office, issue, clock)
    backup = clock.now()
    kept = await office.warrants._db.read(lambda conn: keys.find(conn, old.keyid))

    def put(db):
        db.execute("INSERT INTO gateway(name, label, created) VALUES ('gw-1', '[\"a\",\"b\"]', 1)")
        keys.put(db, kept)

    await restored.db.write(put)
    new = await enrolled(office, issue, clock)
    await lost(restored, backup, clock.now())
    await shown(restored, *new)
    found = dict(await rows(restored, "SELECT keyid, state FROM gateway_key"))
    assert found == {old.keyid: "replaced", new[0].keyid: "active"}


async def test_what_the_database_put_aside_knew_to_be_revoked_stays_out(
    office, restored, issue, clock
):
    before = clock.now()
    signer, warrant = await enrolled(office, issue, clock)
    await lost(restored, before, clock.now(), signer.keyid)
    with pytest.raises(FengsuiError) as why:
        await shown(restored, signer, warrant)
    assert why.value.params["reason"] == "ended"
    assert await rows(restored, "SELECT * FROM gateway_key") == []
