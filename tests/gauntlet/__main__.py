"""`make gauntlet N= KILLS= PARTITIONS= GATEWAYS= RESTORES= SECURE= SEED= SABOTAGE= KEEP=`: accept N
readings while everything goes wrong, then judge.

Exit code 1 when anything was lost, doubled or wrong, or did not come back to work.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

from protocols.clock import SystemClock
from tests.gauntlet.layout import MOST_GATEWAYS
from tests.gauntlet.partitions import may_use_rules
from tests.gauntlet.plan import Options
from tests.gauntlet.processes import Stuck
from tests.gauntlet.run import run
from tests.gauntlet.site import FAULTS
from tests.gauntlet.summary import summary


def main() -> int:
    """Run what the command line asks for."""
    chosen = arguments().parse_args()
    seed = chosen.seed if chosen.seed is not None else SystemClock().now() % 1_000_000
    root = may_use_rules()
    options = Options(
        readings=chosen.readings,
        kills=chosen.kills,
        partitions=chosen.partitions,
        gateways=chosen.gateways,
        restores=chosen.restores,
        seed=seed,
        sabotage=chosen.sabotage,
        root=root,
        secure=chosen.secure,
        full_disk=chosen.full_disk and root,
    )
    signal.signal(signal.SIGTERM, stop)
    print(f"gauntlet: seed {seed}", flush=True)
    folder = chosen.keep or Path(tempfile.mkdtemp(prefix="gauntlet-"))
    try:
        result = run(options, folder)
    except Stuck as exc:
        print(f"gauntlet: {exc}\nseed {seed}, FAILED")
        return 1
    except KeyboardInterrupt:
        print(f"gauntlet: broken off, seed {seed}")
        return 130
    finally:
        if chosen.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    print(summary(result))
    return 0 if result.verdict.clean else 1


def stop(number: int, _: object) -> NoReturn:
    """End as by Ctrl-C: processes, rules and mounts are taken away."""
    raise KeyboardInterrupt(number)


def arguments() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(prog="make gauntlet")
    parser.add_argument("--readings", type=int, default=200_000)
    parser.add_argument("--kills", type=int, default=6, help="both sides together")
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--gateways", type=int, default=2, choices=range(1, MOST_GATEWAYS + 1))
    parser.add_argument("--restores", type=int, default=0)
    parser.add_argument("--secure", action="store_true", help="TLS, and gateways that sign")
    parser.add_argument("--full-disk", action="store_true", help="fill one gateway's disk (root)")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument(
        "--sabotage", choices=("", *FAULTS), default=os.environ.get("SABOTAGE") or ""
    )
    parser.add_argument("--keep", type=Path, help="folder to leave behind for a look")
    return parser


if __name__ == "__main__":
    sys.exit(main())
