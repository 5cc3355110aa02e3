"""Who runs a command: the account of the operating system, as the audit writes it."""

import getpass
import os


def operator() -> str:
    """Return `os:name`, or `os:` and the number of an account without a name."""
    try:
        return f"os:{getpass.getuser()}"
    except (KeyError, OSError):
        return f"os:{os.getuid()}"
