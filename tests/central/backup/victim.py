"""A store that is backed up while it, or what makes the backup, is killed.

python -m tests.central.backup.victim FOLDER, then a line `FORM PHASE NTH` for each life: it takes
some readings and makes a backup of that form. The program answers each line with `killed`, or
`lived`. Why a backup failed is a line of FOLDER/failed; what was answered for stands in
FOLDER/acknowledged, written after its commit.
"""

import os
import sys
from pathlib import Path

from central.backup.backups import Backups
from central.backup.process import BackupFailed
from central.config import BackupTarget
from protocols.crash_points import VARIABLE, CrashPoints
from tests.central.builders import HandClock
from tests.central.store import victim
from tests.central.store.plant import append, close_store, open_store
from tests.central.store.store_suite import NOW


async def live(folder, form, phase, nth):
    lived = len((folder / "lives").read_text()) if (folder / "lives").exists() else 0
    (folder / "lives").write_text("x" * (lived + 1))
    clock = HandClock(NOW + lived * 3_600_000_000)
    db, store = await open_store(folder, clock)
    target = BackupTarget(folder=folder / "backups", keep=3, identity=False, form=form)
    made = Backups(db, clock, target, lambda effects: None)
    await made.load()
    rows = victim.scan(lived * 121, 0)
    await append(db, store, rows, 1, NOW + lived)
    with (folder / "acknowledged").open("a") as out:
        out.writelines(f"{row.point} {row.time} {row.seq} {row.value}\n" for row in rows)
    if lived % 3 == 2:
        await store.seal()
    os.environ[VARIABLE] = f"{phase}:{nth}"  # for the process that copies, too
    db.crash = CrashPoints(os.environ)
    try:
        await made.take("os:test")
    except BackupFailed as exc:
        with (folder / "failed").open("a") as out:
            out.write(f"{exc.params['cause']} {exc.params['status']}\n")
    await made.close()
    await close_store(db, store)


def main():
    folder = Path(sys.argv[1])
    for line in sys.stdin:
        form, phase, nth = line.split()
        killed = victim.ended_by_kill(lambda f=form, p=phase, n=nth: live(folder, f, p, n))
        print("killed" if killed else "lived", flush=True)


if __name__ == "__main__":
    main()
