"""Starts gateway or collector without the syncs it promises, to prove that the cuts would notice.

`python -m tests.faults.careless LEVEL edge|central run ...`, LEVEL off or normal.
"""

import sys

from edge.buffer import file as buffer_file


def main() -> int:
    level, who = sys.argv[1].upper(), sys.argv[2]
    number = {"OFF": 0, "NORMAL": 1}[level]
    sys.argv = [f"fengsui-{who}", *sys.argv[3:]]
    if who == "edge":
        from edge.__main__ import main as start

        buffer_file.PRAGMAS = tuple(  # type: ignore[misc]
            (name, level, number) if name == "synchronous" else (name, value, expected)
            for name, value, expected in buffer_file.PRAGMAS
        )
    else:
        from central import database_file
        from central.__main__ import main as start

        database_file._PRAGMAS["synchronous"] = (level, number)
    return int(start() or 0)


if __name__ == "__main__":
    sys.exit(main())
