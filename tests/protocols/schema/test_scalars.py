"""What an unquoted scalar means, and by which name a trap is refused."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.schema.scalars import key_trap, resolve


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("0", 0),
        ("-12", -12),
        ("+7", 7),
        ("0x1F", 31),
        ("0.5", 0.5),
        ("-2.50", -2.5),
        ("1.0e+3", 1000.0),
        ("56.50", 56.5),
        ("text", "text"),
        ("04-15", "04-15"),
        ("2026-06-01", "2026-06-01"),
        ("2026-06-01T08:00:00+08:00", "2026-06-01T08:00:00+08:00"),
        ("192.168.1.20", "192.168.1.20"),
        ("441502-HHW", "441502-HHW"),
        ("℃", "℃"),
        ("N", "N"),
        ("1#塔机", "1#塔机"),
        ("10 m", "10 m"),
        (">=", ">="),
        ("e5", "e5"),
        ("beef", "beef"),
        ("12ab34", "12ab34"),
        ("3F 02-037", "3F 02-037"),
        ("1.2.3", "1.2.3"),
        ("1.0E-3", 0.001),
    ],
)
def test_plain_values(raw, value):
    found, trap = resolve(raw)
    assert trap is None
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("", "YAML_EMPTY"),
        *[(word, "YAML_YES_NO") for word in ("yes", "no", "on", "off", "No", "OFF")],
        *[(word, "YAML_TRUE_FALSE") for word in ("True", "FALSE")],
        *[(word, "YAML_NULL") for word in ("~", "Null", "NULL")],
        *[(word, "YAML_LEADING_ZERO") for word in ("0010", "-012", "00", "007.5", "0o17", "0b11")],
        *[(word, "YAML_SEXAGESIMAL") for word in ("12:30", "12:30:45", "190:20:30.15")],
        *[(word, "YAML_EXPONENT") for word in ("1e3", "1.5e3", "1E-3", ".5e1", "2.e4")],
        *[(word, "YAML_NOT_FINITE") for word in (".inf", "-.Inf", ".NaN", "1.0e+999")],
        *[(word, "YAML_NUMBER") for word in ("1_000", "1,000", "5.", ".5", "1_0.5", "9" * 30)],
        ("0x" + "f" * 20, "YAML_NUMBER"),
        *[(word, "YAML_MERGE") for word in ("<<", "=")],
        ("unit：m", "YAML_WIDE_COLON"),
    ],
)
def test_traps_are_named(raw, code):
    found, trap = resolve(raw)
    assert trap == code
    assert found == raw


def test_keys_are_text_so_that_words_are_no_trap():
    assert [key_trap(key) for key in ("on", "no", "true", "0", "12")] == [None] * 5
    assert key_trap("0010") == "YAML_LEADING_ZERO"
    assert key_trap("<<") == "YAML_MERGE"


@given(st.text(alphabet="0123456789+-._eExabf:,~ynoOfN", max_size=12))
def test_a_number_is_only_what_every_reader_reads_alike(raw):
    value, trap = resolve(raw)
    if trap is None and isinstance(value, int) and not isinstance(value, bool):
        assert int(raw, 0) == value
    if trap is None and isinstance(value, float):
        assert float(raw) == value
    if trap is None and isinstance(value, str):
        assert not re.fullmatch(r"[-+]?[0-9]+(\.[0-9]*)?", raw)
