"""`fengsui-edge`: loads its commands inside a guard, so that Ctrl-C is never a traceback."""

import sys
from collections.abc import Sequence

INTERRUPTED = 130
"""What a shell expects of a program that ended by Ctrl-C."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code. No traceback reaches the user."""
    try:
        from edge.commands import main as run

        return run(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
