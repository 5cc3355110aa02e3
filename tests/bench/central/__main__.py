"""`python -m tests.bench.central [PART ...]`: parts of it alone, for whoever works on one."""

import json
import signal
import sys

from tests.bench.central import run


def main() -> None:
    # What was started is ended and deleted also where somebody ends this.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for figure in run.measure(sys.argv[1:]):
        print(json.dumps(figure), flush=True)


if __name__ == "__main__":
    main()
