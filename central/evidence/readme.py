"""The page in an exported folder that a lawyer reads first: what is proved, what is not, how."""

from pathlib import Path
from typing import Final

TEMPLATE: Final = Path(__file__).with_name("readme.md")


def readme(gateway: str, times: tuple[str, str, str]) -> str:
    """Return README.md. `times`: from, to, made at."""
    start, end, made = times
    said = TEMPLATE.read_text(encoding="utf-8")
    return said.format(gateway=gateway, start=start, end=end, made=made)
