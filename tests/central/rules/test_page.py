"""What docs/rules.md shows can be imported as it stands."""

import re
from pathlib import Path

import pytest

from central.rules import yaml_file
from central.rules.acts import Who
from central.rules.exchange import plan
from central.rules.library import Library
from protocols.alarms.document_kinds import KINDS
from tests.central.rules.builders import library
from tests.central.rules.test_meant import LEVELS

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "rules.md").read_text(encoding="utf-8")
FILES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("text", FILES)
def test_an_example_asks_for_what_it_says(text):
    source = yaml_file.read(text.encode())
    known: Library = library(LEVELS)
    made = plan(source.data, known, [], Who("李工", 1, "例"), [])
    assert [(each.key, each.code) for each in [*source.problems, *made.problems]] == []
    assert len(made.create) == len(source.data["rules"])


def test_every_kind_has_an_example():
    shown = {rule["kind"] for text in FILES for rule in yaml_file.read(text.encode()).data["rules"]}
    assert shown == {*KINDS, "digital"}
