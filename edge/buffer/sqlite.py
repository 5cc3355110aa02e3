"""Loads sqlite-utils without numpy and pandas.

sqlite-utils imports both wherever they are installed, only to know their column types. A gateway
has no use for them and no room: numpy alone is 25 MB resident.
"""

import importlib
import sys
from typing import Final

UNWANTED: Final = ("numpy", "pandas")


def load_without(module: str, unwanted: tuple[str, ...]) -> None:
    """Import `module` as if what is `unwanted` and not loaded yet were not installed."""
    hidden = [name for name in unwanted if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # how an import is made to fail
    try:
        importlib.import_module(module)
    finally:
        for name in hidden:
            del sys.modules[name]


load_without("sqlite_utils", UNWANTED)

from sqlite_utils import Database  # noqa: E402

__all__ = ["Database"]
