"""A start that is held is told nothing and believed nothing, whatever it asks."""

import json

import pytest

from protocols.wire.cursors import encode_question
from protocols.wire.headers import NONCE
from tests.central.api.test_signed import site  # noqa: F401  # the fixture
from tests.central.builders import BOOT

OTHER = "b1" * 16


def health(site, boot):  # noqa: F811
    clock = site.clock
    said = {"boot": boot, "mono": clock.mono(), "wall": clock.now(), "clock_state": 2}
    return json.dumps(said | {"version": boot[:2]}).encode()


async def numbered(site, path, body):  # noqa: F811
    """Post with a number the collector gave out."""
    first, _ = await site.post("health", b"{}")
    return (await site.post(path, body, nonce=first.json()["params"]["nonce"]))[0]


@pytest.fixture
async def held(site):  # noqa: F811
    """Hold the other start."""

    def hold(tables):
        tables.execute(
            "INSERT INTO held_boot(gateway, boot, keyid, since, state) VALUES ('gw', ?, ?, 0, ?)",
            (OTHER, site.key.keyid, "held"),
        )

    await site.collector.db.write(hold)
    return site


async def decide(site, state):  # noqa: F811
    await site.collector.db.write(
        lambda tables: tables.execute("UPDATE held_boot SET state = ?", (state,))
    )


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("health", health),
        ("cursors", lambda _, boot: encode_question(["ab" * 16], boot)),
    ],
)
async def test_a_held_start_is_refused_until_it_is_approved(held, path, body):
    answer = await numbered(held, path, body(held, OTHER))
    assert (answer.status_code, answer.json()["code"]) == (403, "START_HELD")
    assert "incarnation" not in answer.json()
    assert held.collector.registry.gateway("gw").version == ""
    assert held.collector.registry.gateway("gw").state == "never", "it is no contact either"
    assert held.collector.ingest.figures.refused["START_HELD"] == 1
    assert (await numbered(held, path, body(held, BOOT))).status_code == 200
    await decide(held, "refused")
    answer = await numbered(held, path, body(held, OTHER))
    assert (answer.status_code, answer.json()["code"]) == (403, "START_HELD")
    await decide(held, "approved")
    answer = await numbered(held, path, body(held, OTHER))
    assert answer.status_code == 200
    assert NONCE in answer.headers


async def test_a_held_start_opens_no_stream(held):
    held.gateway.boot = OTHER
    answer = await held.register(held.gateway.open())
    assert (answer.status_code, answer.json()["code"]) == (403, "START_HELD")
    assert held.collector.registry.gateway("gw").state == "never"
    await decide(held, "approved")
    assert (await held.register(held.gateway.open())).status_code == 200


async def test_who_does_not_say_which_start_it_is_is_let_in(held):
    """A gateway of before: its batches are held all the same."""
    for path, body in (("health", b"{}"), ("cursors", encode_question([]))):
        assert (await numbered(held, path, body)).status_code == 200
