"""What the checker is run on: the protocol as it is, and ways of getting it wrong."""

from typing import Final, NamedTuple

from tests.model.state import Budgets, Rules


class Configuration(NamedTuple):
    """Rules and faults; `finds` what the checker must find, empty where nothing may be found."""

    rules: Rules
    budgets: Budgets
    finds: tuple[str, ...] = ()


LOST: Final = "lost in silence"
TWICE: Final = "stored twice"
STUCK: Final = "a stream is stuck"
DIVERGES: Final = "diverges"

GOOD: Final = {
    "kills and rotation": Configuration(Rules(), Budgets(samples=3, restarts=2, rotations=1)),
    "old card image": Configuration(Rules(), Budgets(samples=3, restarts=1, images=1)),
    "collector restored": Configuration(
        Rules(), Budgets(samples=2, restarts=1, backups=1, restores=1)
    ),
    "collector snapshot": Configuration(
        Rules(), Budgets(samples=2, restarts=1, backups=1, snapshots=1)
    ),
    "snapshot without a backup target": Configuration(
        Rules(backup_target=False), Budgets(samples=2, restarts=1, snapshots=1)
    ),
    "quota": Configuration(Rules(), Budgets(samples=2, restarts=1, quota=2)),
    "quota and restore": Configuration(
        Rules(), Budgets(samples=2, restarts=0, quota=1, backups=1, restores=1)
    ),
    "corrupt row": Configuration(Rules(), Budgets(samples=2, restarts=1, corrupt=1, images=1)),
}

DEEP: Final = {
    "quota over three readings": Configuration(Rules(), Budgets(samples=3, restarts=1, quota=2)),
    "image and restore": Configuration(
        Rules(), Budgets(samples=2, restarts=0, images=1, backups=1, restores=1)
    ),
    "image and snapshot": Configuration(
        Rules(), Budgets(samples=2, restarts=0, images=1, snapshots=1)
    ),
    "rotation and restore": Configuration(
        Rules(), Budgets(samples=2, restarts=1, rotations=1, backups=1, restores=1)
    ),
    "corrupt row and restore": Configuration(
        Rules(), Budgets(samples=2, restarts=1, corrupt=1, backups=1, restores=1)
    ),
}
"""Good as well, too many states for every run: `make model`."""

BAD: Final = {
    "no fresh stream": Configuration(
        Rules(fresh_streams=False), Budgets(samples=3, restarts=0, images=1), (LOST, DIVERGES)
    ),
    "no gap check": Configuration(
        Rules(gap_check=False), Budgets(samples=2, restarts=1, snapshots=1), (LOST,)
    ),
    "cursor apart from rows": Configuration(
        Rules(atomic=False), Budgets(samples=2, restarts=0, crashes=1), (TWICE,)
    ),
    "forget before safe": Configuration(
        Rules(hold_until_safe=False),
        Budgets(samples=2, restarts=0, backups=1, restores=1),
        (LOST,),
    ),
    "drop without skip": Configuration(
        Rules(skip_on_drop=False), Budgets(samples=2, restarts=0, quota=1), (STUCK, LOST)
    ),
    "cursors never asked for": Configuration(
        Rules(ask_cursors=False), Budgets(samples=2, restarts=1, snapshots=1), (LOST,)
    ),
}
