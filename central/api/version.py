"""Which versions these are: of the interface and of the program."""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from typing import Final

API_VERSION: Final = "1.0.0"
"""Of `/api/v1`: grows by addition only."""


def version() -> str:
    """Return the installed version; `source` when run from a folder that was never installed."""
    try:
        return installed("fengsui")
    except PackageNotFoundError:
        return "source"
