"""What was accepted is there after the power went, whatever of the rest reached the medium."""

import random

import pytest

from tests.faults.crash_vfs import power_leg
from tests.faults.medium import Medium, Step

SEED = 20260612


@pytest.mark.slow
def test_no_cut_loses_what_was_accepted(tmp_path):
    toll = power_leg(tmp_path, SEED, 200)
    print(f"crash vfs: {toll}")
    assert toll.clean, toll.reasons
    assert toll.crashes == 200
    assert toll.accepted > 50_000


@pytest.mark.parametrize("sabotage", ["nofsync", "normal"])
def test_without_its_syncs_the_same_buffer_loses(tmp_path, sabotage):
    toll = power_leg(tmp_path, SEED, 15, sabotage)
    assert toll.lost > 0, f"{sabotage}: the cuts find nothing any more"


def steps(medium, *taken):
    for step in taken:
        medium.take(step)
    return [medium.after_power_cut(random.Random(seed)) for seed in range(50)]


def test_a_medium_keeps_what_was_synced_and_perhaps_the_rest():
    found = steps(
        Medium(),
        Step("create", "a"),
        Step("write", "a", 0, b"certain"),
        Step("sync", "a"),
        Step("names"),
        Step("write", "a", 1000, bytes(range(1, 256)) * 8),
    )
    assert all(folder["a"][:7] == b"certain" for folder in found)
    sizes = {len(folder["a"]) for folder in found}
    assert 7 in sizes
    assert 1000 + 255 * 8 in sizes
    torn = [f["a"] for f in found if len(f["a"]) > 7 and bytes(range(1, 256)) * 8 not in f["a"]]
    assert torn, "no write was ever torn"


def test_a_name_is_certain_only_once_its_folder_was_synced():
    made = steps(Medium(), Step("create", "a"), Step("sync", "a"))
    assert {frozenset(folder) for folder in made} == {frozenset(), frozenset({"a"})}
    gone = steps(
        Medium(), Step("create", "a"), Step("names"), Step("unlink", "a"), Step("create", "b")
    )
    # In order: nothing that came later without what came before.
    assert {frozenset(folder) for folder in gone} == {
        frozenset({"a"}), frozenset(), frozenset({"b"})
    }  # fmt: skip


def test_a_file_moved_over_another_is_either_the_one_or_the_other():
    found = steps(
        Medium(),
        Step("create", "old"),
        Step("write", "old", 0, b"old"),
        Step("sync", "old"),
        Step("create", "new"),
        Step("write", "new", 0, b"new"),
        Step("sync", "new"),
        Step("names"),
        Step("rename", "new", data="old"),
    )
    assert {folder["old"] for folder in found} == {b"old", b"new"}
