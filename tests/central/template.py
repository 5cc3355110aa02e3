"""A fresh database as this program makes it, copied: hundreds of tests need not migrate each."""

import secrets
import tempfile
from functools import cache
from pathlib import Path

from central.database_file import open_file


@cache
def _template() -> tuple[bytes, bytes]:
    """Return a migrated file without an incarnation, which it gets when opened, and its lineage."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "collector.db"
        tables, _ = open_file(file, 0)
        lineage = tables.conn.execute(
            "SELECT value FROM collector WHERE key = 'lineage'"
        ).fetchone()
        tables.conn.execute("DELETE FROM collector WHERE key IN ('incarnation', 'created')")
        tables.conn.close()
        return file.read_bytes(), lineage[0].encode()


def fresh(file: Path) -> Path:
    """Put today's empty tables where no file is yet; opening it does all the rest for real."""
    if not file.exists():
        content, lineage = _template()
        assert content.count(lineage) == 1
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.replace(lineage, secrets.token_hex(16).encode()))
    return file
