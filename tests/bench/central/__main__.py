"""`python -m tests.bench.central [PART ...]`: parts of it alone, for whoever works on one."""

import json
import sys

from tests.bench.central import run


def main() -> None:
    for figure in run.measure(sys.argv[1:]):
        print(json.dumps(figure), flush=True)


if __name__ == "__main__":
    main()
