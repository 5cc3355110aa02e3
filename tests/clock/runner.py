"""The real gateway under libfaketime, as on another boot: `python -m tests.clock.runner BOOT ...`.

`BOOT` is a file to read the boot's id from. libfaketime 0.9.10 breaks the system call that
`time.sleep` makes; nothing of the gateway is otherwise than when it is installed.
"""

import sys
import threading
import time
from pathlib import Path

from edge import health
from edge.__main__ import main


def pause(seconds: float) -> None:
    threading.Event().wait(seconds)


if __name__ == "__main__":
    time.sleep = pause
    health.BOOT_ID = Path(sys.argv[1])
    sys.exit(main(sys.argv[2:]))
