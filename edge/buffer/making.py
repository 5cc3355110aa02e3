"""Puts a new buffer file in place, whole or not at all.

So an empty file, or one without its tables, is never our own half-done work: it is damage, and
looked at as such.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from edge.buffer.faults import faults, of_the_system
from edge.buffer.format import FORMAT, PAGE

NEW: Final = ".new"
"""Ends the name of a file that is not whole yet; one left over is deleted at the next start."""


def make(path: Path, schema: Sequence[str]) -> None:
    """Make an empty file of the present format at `path`. Raises BufferFault."""
    new = path.with_name(path.name + NEW)
    try:
        new.unlink(missing_ok=True)
        with faults(path):
            connection = sqlite3.connect(new, isolation_level=None)
            try:
                connection.execute(f"PRAGMA page_size={PAGE}")
                connection.execute("PRAGMA synchronous=FULL")
                for statement in ("BEGIN", *schema, f"PRAGMA user_version={FORMAT}", "COMMIT"):
                    connection.execute(statement)
            finally:
                connection.close()
        new.rename(path)
    except OSError as exc:
        raise of_the_system(exc, path) from exc
