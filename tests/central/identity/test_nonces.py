"""Single-use numbers: one waits, it is good once, and a stranger's asking does not take it away."""

import pytest

from central.identity import nonces
from central.identity.nonces import Nonces


def test_a_number_is_good_once():
    numbers = Nonces()
    first = numbers.next("a")
    assert numbers.next("a") == first, "asking changes nothing"
    assert numbers.use("a", first)
    assert not numbers.use("a", first)
    assert numbers.was_used("a", first)
    assert numbers.next("a") != first


def test_one_keys_number_is_nothing_to_another():
    numbers = Nonces()
    assert not numbers.use("b", numbers.next("a"))
    assert not numbers.use("a", "0" * 32)
    assert not numbers.was_used("a", "0" * 32)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(nonces, "KEYS", 3)
    numbers = Nonces()
    first = numbers.next("0")
    for key in "1230":
        numbers.next(key)
    assert len(numbers._of) == 3
    assert numbers.next("0") != first, "forgotten, so told another"
    for _ in range(50):
        numbers.use("0", numbers.next("0"))
    assert len(numbers._of["0"].used) == nonces.USED
    numbers.forget("0")
    assert "0" not in numbers._of
