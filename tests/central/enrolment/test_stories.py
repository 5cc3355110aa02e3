"""Enrolments as stories: what happens on site, at the desk, and what is known afterwards."""

import asyncio
from dataclasses import replace

import pytest

from central.door.virtual import GatewayExists, VirtualGateway, create
from central.enrolment import codes, refusals
from central.enrolment.acts import GatewayVirtual, OrderIncomplete
from central.enrolment.codes import WorkOrder
from central.enrolment.ruling import DigitsDiffer, NothingToRevoke, NothingWaits
from central.identity import tokens
from central.identity.principal import Kind
from protocols.clock import HOUR, MINUTE, SECOND
from protocols.enrolment import id_of, new_code
from protocols.signing.keys import Ed25519Signer
from protocols.words import Label
from tests.central.enrolment.site import HERE, OnSite


async def test_a_code_is_proved_both_ways_approved_by_digits_and_used_once(
    office, issue, acts_of, changes
):
    issued = await issue(site="s1")
    site = OnSite(office, issued.code)
    proved = await site.enrol()
    assert (proved.gateway, proved.site, proved.state) == ("gw-1", "s1", "pending")
    assert await site.standing() == "pending"
    other = f"{(int(proved.digits) + 1) % 1_000_000:06}"
    with pytest.raises(DigitsDiffer):
        await office.acts.approve("gw-1", other, "duty")
    assert await site.standing() == "pending"
    before = len(changes)
    await office.acts.approve("gw-1", proved.digits, "duty")
    assert await site.standing() == "active"
    assert len(changes) == before + 1
    with pytest.raises(NothingWaits):
        await office.acts.approve("gw-1", proved.digits, "duty")
    with pytest.raises(refusals.CodeRefused):
        await OnSite(office, issued.code).hello()
    assert await acts_of() == [
        "GATEWAY_CREATED",
        "ENROLMENT_CODE_MADE",
        "ENROLMENT_PROVED",
        "ENROLMENT_DIGITS_DIFFER",
        "GATEWAY_KEY_APPROVED",
        "ENROLMENT_CODE_UNKNOWN",
    ]


async def test_the_same_proof_again_is_answered_the_same_when_the_answer_was_lost(office, issue):
    site = OnSite(office, (await issue()).code)
    first = await site.enrol()
    assert await site.prove() == first


async def test_nothing_of_a_code_is_kept_but_its_beginning(office, issue, db):
    issued = await issue()
    site = OnSite(office, issued.code)
    await site.enrol()

    def row(conn):
        return conn.execute("SELECT id, secret, state FROM enrolment_code").fetchone()

    assert await db.read(row) == (id_of(issued.code), None, "used")
    dump = await db.read(lambda conn: "\n".join(conn.iterdump()))
    assert issued.code not in dump
    assert issued.code not in repr(issued)


async def test_a_stolen_code_that_was_used_first_is_seen_when_the_owner_comes(office, issue):
    issued = await issue()
    thief, owner = OnSite(office, issued.code), OnSite(office, issued.code)
    stolen = await thief.enrol()
    with pytest.raises(refusals.CodeRefused):
        await owner.hello()
    # Nobody reads these digits out: the duty officer refuses, and the thief has nothing.
    assert stolen.state == "pending"
    assert await office.acts.refuse("gw-1", None, "duty") == [thief.signer.keyid]
    assert await thief.standing() == "refused"


@pytest.mark.parametrize("moved", [codes.VALID, codes.VALID + HOUR])
async def test_a_code_is_good_for_a_day(office, issue, clock, moved):
    issued = await issue()
    early = OnSite(office, issued.code)
    await early.hello()
    clock.time += moved
    with pytest.raises(refusals.CodeRefused):
        await OnSite(office, issued.code).hello()
    assert [code.state for code in (await office.acts.picture()).codes] == ["expired"]


async def test_a_hello_is_good_for_ten_minutes_and_costs_no_code(office, issue, clock):
    site = OnSite(office, (await issue()).code)
    await site.hello()
    clock.time += 10 * MINUTE
    with pytest.raises(refusals.BeginAgain):
        await site.prove()
    assert (await site.enrol()).state == "pending"


async def test_a_new_code_of_the_same_gateway_ends_the_one_before(office, issue):
    lost, fresh = await issue(), await issue()
    with pytest.raises(refusals.CodeRefused):
        await OnSite(office, lost.code).hello()
    assert (await OnSite(office, fresh.code).enrol()).state == "pending"


async def test_a_withdrawn_code_is_no_good(office, issue):
    issued = await issue()
    assert await office.acts.withdraw(issued.number, "duty")
    assert await office.acts.withdraw(issued.number, "duty") is None
    with pytest.raises(refusals.CodeRefused):
        await OnSite(office, issued.code).hello()


async def test_one_wrong_proof_burns_the_code_and_is_told(office, issue, told, acts_of):
    issued = await issue()
    guess = issued.code[:3] + ("0" * 7 if issued.code[3:] != "0" * 7 else "1" * 7)
    guesser = OnSite(office, guess)
    await guesser.hello()
    with pytest.raises(refusals.ProofRefused):
        await guesser.prove()
    with pytest.raises(refusals.CodeRefused):
        await OnSite(office, issued.code).hello()
    assert [(event.kind, event.code, event.subject) for event in told] == [
        ("security", "ENROLMENT_CODE_BURNT", "gw-1")
    ]
    assert "ENROLMENT_CODE_BURNT" in await acts_of()


def other_key():
    return Ed25519Signer.generate().public.encode()


@pytest.mark.parametrize(
    "changed",
    [
        lambda: {"gateway_key": other_key()},
        lambda: {"collector_key": other_key()},
        lambda: {"certificate": "ab" * 32},
        lambda: {"collector_id": "f" * 16},
        lambda: {"gateway_nonce": "0" * 32},
        lambda: {"boot": "1" * 32},
    ],
)
async def test_whoever_stands_between_and_changes_anything_burns_the_code(office, issue, changed):
    site = OnSite(office, (await issue()).code)
    await site.hello()
    with pytest.raises(refusals.ProofRefused):
        await site.prove(**changed())
    assert [code.state for code in (await office.acts.picture()).codes] == ["burnt"]
    assert (await office.acts.picture()).keys == []


async def test_a_key_put_in_place_of_the_gateways_is_not_let_in(office, issue):
    site = OnSite(office, (await issue()).code)
    await site.hello(key=Ed25519Signer.generate().public)
    with pytest.raises(refusals.ProofRefused):
        await site.prove()
    assert (await office.acts.picture()).keys == []


async def test_a_certificate_that_is_not_ours_is_noticed_before_the_code_is_at_risk(
    office, issue, told
):
    issued = await issue()
    between = replace(HERE, certificates=("aa" * 32,), seen="bb" * 32)
    with pytest.raises(refusals.CertificateUnknown):
        await OnSite(office, issued.code, between).hello()
    assert [event.code for event in told] == ["ENROLMENT_BETWEEN"]
    honest = replace(HERE, certificates=("aa" * 32, "cc" * 32), seen="cc" * 32)
    assert (await OnSite(office, issued.code, honest).enrol()).state == "pending"


async def test_two_who_enrol_with_one_code_at_once_are_one(office, issue):
    issued = await issue()
    pair = [OnSite(office, issued.code) for _ in range(2)]
    for each in pair:
        await each.hello()
    done = await asyncio.gather(*(each.prove() for each in pair), return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["CodeRefused", "Proved"]
    assert len((await office.acts.picture()).keys) == 1


async def test_guessing_is_slowed_down_told_and_costs_others_nothing(
    office, issue, clock, told, acts_of
):
    issued = await issue()
    code = next(code for code in iter(new_code, "") if id_of(code) != id_of(issued.code))
    for _ in range(5):
        with pytest.raises(refusals.CodeRefused):
            await OnSite(office, code).hello()
    with pytest.raises(refusals.EnrolmentLocked) as locked:
        await OnSite(office, code).hello()
    assert locked.value.params["seconds"] >= 1
    assert [event.code for event in told] == ["ENROLMENT_GUESSED"]
    elsewhere = replace(HERE, address="192.0.2.8")
    assert (await OnSite(office, issued.code, elsewhere).enrol()).state == "pending"
    clock.time += 2 * SECOND
    with pytest.raises(refusals.CodeRefused):
        await OnSite(office, code).hello()
    with pytest.raises(refusals.EnrolmentLocked):
        await OnSite(office, code).hello()
    assert (await acts_of()).count("ENROLMENT_CODE_UNKNOWN") == 6


def window(clock, begin, end):
    now = clock.now()
    order = WorkOrder(number="WO-7", installer="王师傅")
    return {"order": order, "site": "s1", "opens": now + begin, "expires": now + end}


async def test_a_work_order_approves_beforehand_within_its_time_only(office, issue, clock, acts_of):
    issued = await issue(**window(clock, HOUR, 3 * HOUR))
    with pytest.raises(refusals.CodeRefused):
        await OnSite(office, issued.code).hello()
    clock.time += 2 * HOUR
    site = OnSite(office, issued.code)
    assert (await site.enrol()).state == "active"
    (key,) = (await office.acts.picture()).keys
    assert (key.approved_by, key.code.installer) == ("work-order/WO-7", "王师傅")
    assert (await acts_of())[-2:] == ["ENROLMENT_PROVED", "GATEWAY_KEY_APPROVED"]


@pytest.mark.parametrize("number", ["", "WO\n7", "WO\x1b[2J", "7" * 65])
async def test_a_work_order_is_one_line(issue, clock, number):
    """What approved a key stands in its warrant, which has to be read after a restore."""
    asked = window(clock, 0, HOUR)
    for order in (
        WorkOrder(number=number, installer="李 工"),
        WorkOrder(number="7", installer=number),
    ):
        with pytest.raises(OrderIncomplete):
            await issue(**asked | {"order": order})


async def test_a_work_order_whose_time_is_over_lets_nobody_in(office, issue, clock):
    issued = await issue(**window(clock, 0, HOUR))
    site = OnSite(office, issued.code)
    await site.hello()
    clock.time += 9 * MINUTE
    assert (await site.prove()).state == "active"
    late = await issue("gw-2", **window(clock, 0, HOUR))
    clock.time += HOUR
    with pytest.raises(refusals.CodeRefused):
        await OnSite(office, late.code).hello()


async def test_replaced_hardware_takes_over_and_the_old_key_dies_at_approval(office, issue):
    old = OnSite(office, (await issue()).code)
    await office.acts.approve("gw-1", (await old.enrol()).digits, "duty")
    new = OnSite(office, (await issue()).code)
    proved = await new.enrol()
    assert (await old.standing(), await new.standing()) == ("active", "pending")
    await office.acts.approve("gw-1", proved.digits, "duty")
    assert (await old.standing(), await new.standing()) == ("replaced", "active")


async def test_a_key_that_ended_never_comes_back(office, issue):
    site = OnSite(office, (await issue()).code)
    await office.acts.approve("gw-1", (await site.enrol()).digits, "duty")
    await office.acts.revoke("gw-1", "duty")
    assert await site.standing() == "revoked"
    again = OnSite(office, (await issue()).code)
    again.signer = site.signer
    with pytest.raises(refusals.KeyEnded):
        await again.enrol()
    # The code was not used up by it: fresh hardware can come in.
    again.signer = Ed25519Signer.generate()
    assert (await again.enrol()).state == "pending"


async def test_a_key_of_another_gateway_is_not_taken(office, issue):
    site = OnSite(office, (await issue()).code)
    await site.enrol()
    other = OnSite(office, (await issue("gw-2")).code)
    other.signer = site.signer
    with pytest.raises(refusals.KeyEnded):
        await other.enrol()


async def test_a_gateway_that_forgot_us_comes_back_with_its_own_key(office, issue):
    site = OnSite(office, (await issue()).code)
    await office.acts.approve("gw-1", (await site.enrol()).digits, "duty")
    again = OnSite(office, (await issue()).code)
    again.signer = site.signer
    assert (await again.enrol()).state == "active"


async def test_revoking_ends_tokens_too_so_that_none_comes_back_to_life(
    office, issue, db, clock, changes
):
    token = tokens.Token(
        id="t1", name="gw-1", kind=Kind.GATEWAY, gateway="gw-1", created=1, created_by="duty"
    )
    site = OnSite(office, (await issue()).code)
    secret = await db.write(lambda tables: tokens.put(tables, token))
    await office.acts.approve("gw-1", (await site.enrol()).digits, "duty")
    await office.acts.revoke("gw-1", "duty")
    assert secret
    assert await db.read(lambda conn: tokens.of_gateway(conn, "gw-1")) == []
    assert len(changes) >= 2
    with pytest.raises(NothingToRevoke):
        await office.acts.revoke("gw-1", "duty")


async def test_revoking_ends_the_code_on_the_paper_too(office, issue, clock, acts_of):
    site = OnSite(office, (await issue()).code)
    await office.acts.approve("gw-1", (await site.enrol()).digits, "duty")
    paper = await issue(**window(clock, 0, HOUR))
    other = await issue("gw-2")
    await office.acts.revoke("gw-1", "duty")
    with pytest.raises(refusals.CodeRefused):
        await OnSite(office, paper.code).hello()
    assert (await OnSite(office, other.code).enrol()).state == "pending"
    assert "ENROLMENT_CODE_WITHDRAWN" in await acts_of()


async def test_no_machine_enrols_under_the_name_of_another_system(issue, db, clock, acts_of):
    system = VirtualGateway(
        name="acme", label=Label("系统"), sites=("s1",), offline_after=300, created=clock.now(),
        created_by="admin",
    )  # fmt: skip
    await db.write(lambda tables: create(tables, system))
    with pytest.raises(GatewayVirtual) as refused:
        await issue("acme")
    assert refused.value.params == {"gateway": "acme"}
    assert await acts_of() == ["VIRTUAL_GATEWAY_CREATED"]
    await issue("gw-1")
    taken = replace(system, name="gw-1")
    with pytest.raises(GatewayExists):
        await db.write(lambda tables: create(tables, taken))
