"""The README tells every option, type, order and file."""

from pathlib import Path

import pytest

from protocols.modbus.forms import ORDERS, TABLES, TYPES
from protocols.modbus.settings import Settings

FOLDER = Path(__file__).resolve().parents[3] / "protocols" / "modbus"
TEXT = (FOLDER / "README.md").read_text(encoding="utf-8")
BITS = {f"bits{n}" for n in range(3, 15)}


@pytest.mark.parametrize("word", [*Settings.__slots__, *sorted(set(TYPES) - BITS), *TABLES])
def test_every_option_type_and_table_is_told(word):
    assert f"`{word}`" in TEXT


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_is_drawn(order):
    assert f"\n  {order}  " in TEXT


def test_every_file_is_told():
    for file in FOLDER.glob("*.py"):
        assert file.name == "__init__.py" or f"`{file.name}`" in TEXT


def test_defaults_are_told():
    defaults = Settings()
    for value in (defaults.port, defaults.baudrate, defaults.timeout):
        assert str(value) in TEXT
