"""What is looked at before SQLite opens a buffer file, because SQLite would act at once.

It would fold the journal of a later format into it, delete the journal of an empty file, and leave
out of a torn journal, without a word, whatever was committed behind the tear.
"""

from pathlib import Path

from edge.buffer.faults import of_the_system
from edge.buffer.format import FORMAT
from edge.buffer.migrations import keep_copy
from edge.buffer.pages import is_broken, stored_format
from protocols.errors import BufferDamaged, BufferNewer


def look_at(path: Path, journal: Path) -> bool:
    """Return whether there is a file; one of an older format is copied first, if it may be.

    Raises BufferNewer, BufferDamaged (empty, its journal alone, its journal torn), BufferFault.
    """
    try:
        size, logged = size_of(path), size_of(journal)
        if size is None and not logged:
            return False
        if not size:
            raise BufferDamaged(file=str(path), reason="missing" if size is None else "empty")
        version = stored_format(path, journal)
        if version is not None and version > FORMAT:
            raise BufferNewer(file=str(path), found=version, known=FORMAT)
        if logged:
            with journal.open("rb") as file:
                if is_broken(file, logged):
                    raise BufferDamaged(file=str(path), reason="journal")
    except OSError as exc:
        raise of_the_system(exc, path) from exc
    if version is not None and 0 < version < FORMAT:
        keep_copy(path, journal, version)
    return True


def size_of(path: Path) -> int | None:
    """Return a file's bytes, None when there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None
