"""Rules in the kernel are made where they can be, and their absence harms nobody."""

from tests.gauntlet.partitions import drop_rules, may_use_rules


def test_without_the_tool_there_are_no_rules_and_none_to_take_away(monkeypatch, tmp_path):
    """As for whoever is not root: the tool lies where only root's PATH leads."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not may_use_rules()
    drop_rules()
