"""The collector's rules as they were last good, in the buffer's folder: they outlive cuts and
restarts.

Written whole or not at all. A file that is not what we wrote is put aside, and the manifest's own
limits hold until the collector tells its rules again.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from protocols.errors import WireError
from protocols.wire.bounds import INFLATED_BYTES
from protocols.wire.rule_set import RuleSet, decode_rules
from protocols.wire.rule_talk import digest_of

FILE: Final = "gateway-rules.json"
HEAD: Final = b"fengsui-rules 1 "
_LINE: Final = len(HEAD) + 64 + 1


class Held(NamedTuple):
    """A document's digest and what it says."""

    digest: str
    rules: RuleSet


class RuleFile:
    """`aside`: the name that a damaged file was given. Its methods block."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.aside: str | None = None

    def load(self) -> Held | None:
        """Return what is kept; None: nothing, or nothing that can be used."""
        try:
            with self.path.open("rb") as file:
                data = file.read(_LINE + INFLATED_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError:
            data = b""
        head, document = data[:_LINE], data[_LINE:]
        digest = digest_of(document)
        if head == HEAD + digest.encode("ascii") + b"\n":
            with suppress(WireError):
                return Held(digest, decode_rules(document))
        self._put_aside()
        return None

    def save(self, digest: str, document: bytes) -> None:
        """Put a document in place of the file, durably. Raises OSError."""
        new = self.path.with_name(f"{FILE}.new")
        made = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(made, "wb") as out:  # noqa: PTH123  # it is the descriptor with its mode
            out.write(HEAD + digest.encode("ascii") + b"\n" + document)
            out.flush()
            os.fsync(out.fileno())
        new.replace(self.path)
        with suppress(OSError):  # a folder that cannot be synced keeps the older file at worst
            held = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(held)
            finally:
                os.close(held)

    def _put_aside(self) -> None:
        n = 1
        while (target := self.path.with_name(f"{FILE}.damaged-{n}")).exists():
            n += 1
        self.aside = FILE
        with suppress(OSError):
            self.path.rename(target)
            self.aside = target.name
