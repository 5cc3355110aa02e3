"""What comes through the door waits at its sender while a seal is behind, as gateways' data do."""

from central.store import store
from tests.central.builders import refused
from tests.central.door.plant import FLOW, LEVEL, at


async def test_what_memory_has_no_room_for_is_refused_and_comes_again(
    enterprise, collector, monkeypatch
):
    monkeypatch.setattr(store, "MOST_UNSEALED", 3)
    before = await enterprise.columns("k1", [LEVEL, LEVEL, FLOW], [at(-2), at(-1), at()], [1, 2, 3])
    assert before["accepted"] == 3
    code, status, params = await refused(enterprise.columns("k2", [FLOW], [at(1)], [4]))
    assert (code, status, params["lane"]) == ("BUSY", 503, "store")
    assert params["retry_after_ms"] > 0
    assert collector.door.figures.refused["BUSY"] == 1
    assert await enterprise.stored(FLOW) == [(at(), 3.0, 0)]

    await collector.store.seal()
    after = await enterprise.columns("k2", [FLOW], [at(1)], [4])
    assert (after["accepted"], after["duplicate"]) == (1, False)
    assert await enterprise.stored(FLOW) == [(at(), 3.0, 0), (at(1), 4.0, 0)]


async def test_a_request_that_is_here_and_a_description_are_answered_all_the_same(
    enterprise, monkeypatch
):
    first = await enterprise.columns("k1", [LEVEL], [at()], [50])
    monkeypatch.setattr(store, "MOST_UNSEALED", 1)
    assert await enterprise.columns("k1", [LEVEL], [at()], [50]) == {**first, "duplicate": True}
    assert (await enterprise.describe(label={"zh": "改名", "en": "Renamed"}))["changed"]
