"""`fengsui-central run`: the collector, its people and its web server in one process.

Order: take the data folder, take the address, open the database, then serve; the other way round at
the end. Whatever is wrong with the first two is said before anything has been touched.
"""

import asyncio
import contextlib
import ctypes
import gc
import logging
import os
import socket
import sys
from dataclasses import asdict
from pathlib import Path

from sqlite_utils import Database as Tables

from central.api.app import create_app
from central.api.cables import Cables
from central.api.export_metrics import ExportMetrics
from central.api.hub import Hub
from central.api.metrics import Metrics
from central.api.rooms import Rooms
from central.api.server import Server, listen, loop_factory, many_connections, settings
from central.api.tls_metrics import TlsMetrics
from central.backup.backups import Backups
from central.collector import Collector
from central.config import CentralConfig, load_config
from central.control import Say, Told, holding, listening
from central.door.asked import Keeper
from central.door.asked import answer as asked_of_the_door
from central.enrolment.asked import answer
from central.enrolment.office import After, Office
from central.evidence.rebuilding import rebuild_all
from central.export.exports import Exports
from central.guard.guards import Guards
from central.guard.incidents import Incidents
from central.guidance.guidance import Guidance
from central.identity.creation import Made, Wanted, administrators, create_admin
from central.identity.desk import FrontDesk
from central.rules.asked import take_file
from central.tls.trust import TrustDesk
from protocols.clock import Clock, SystemClock
from protocols.crash_points import CrashPoints
from protocols.story import load_clock
from protocols.texts import text

logger = logging.getLogger(__name__)

SWITCH = 0.0005
"""Real seconds a thread that decodes may keep the interpreter from the database's writer."""
GARBAGE = (20_000, 20, 100)
"""Objects made since the last search for garbage, and how often an older generation joins in.

Python's own 700 let a thousand gateways that come back at once, with all their requests under way,
be searched through again and again: half of the processor's time.
"""
TELL = 1.0
"""Real seconds between two words to a command that waits."""


def run(file: Path, story: Path | None, language: str) -> None:
    """Run until SIGTERM or Ctrl-C. Raises ConfigError, FolderInUse, AddressTaken ..."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    config, clock = load_config(file), load_clock(story)
    sys.setswitchinterval(SWITCH)
    gc.set_threshold(*GARBAGE)
    many_connections()
    with holding(config.database.parent):
        listener = listen(config.host, config.port)
        with contextlib.closing(listener), asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(_serve(config, clock, listener, language))
    print(text("CENTRAL_STOPPED", {}, language), flush=True)


async def _serve(
    config: CentralConfig, clock: Clock, listener: socket.socket, language: str
) -> None:
    gc.disable()  # what is read at the start stays: nothing of it is worth looking through
    async with await Collector.open(config, clock) as collector:
        collector.db.crash = CrashPoints(os.environ)
        collector.db.crash.reach("central.opening")
        rooms = furnish(collector, Cables(dict(config.cables or ())))
        app = create_app(rooms, with_demo=config.cables is not None)
        plate = rooms.trust.shown.plate
        server = Server(
            settings(app),
            rooms.hub.close,
            lambda: _greet(config, collector, listener, language),
            None if plate is None else plate.context,
        )
        folder = config.database.parent
        keeper = Keeper(
            db=collector.db,
            clock=rooms.desk.clock,
            create=collector.door.create,
            revoked=rooms.desk.revoked,
        )
        acts = {
            "create_admin": lambda asked, _: _create(rooms, Wanted(**asked)),
            "gateway": lambda asked, _: answer(rooms.enrolment, asked),
            "virtual": lambda asked, _: asked_of_the_door(keeper, asked),
            "rebuild": lambda asked, say: rebuild_all(collector.rebuilding, asked["by"], say),
            "rules": lambda asked, say: take_file(
                collector.rules, folder, rooms.desk.clock, asked, say
            ),
            "backup": lambda asked, say: _back_up(collector.backups, asked["by"], say),
        }
        gc.freeze()
        gc.enable()
        _give_back()
        async with listening(folder, acts):
            await _until_stopped(collector, rooms, server, listener)


def _give_back() -> None:
    """Return what reading the tables took to the system: glibc would keep it, others need not."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def furnish(collector: Collector, cables: Cables) -> Rooms:
    """Put the collector into rooms of an API; people live on the machine's own time."""
    desk = FrontDesk(collector.db, SystemClock())
    hub = Hub(collector, desk)
    incidents = Incidents(collector.db, collector.clock, collector.tell)
    guards = Guards(incidents, limits=collector.config.guards)
    desk.guessed = guards.guessed
    metrics = Metrics(collector, desk, hub, guards)
    guidance = Guidance(collector)
    collector.listeners += [hub.listen, metrics.listen, guidance.heard]
    config = collector.config
    # Outside no story is played: certificates go by the machine's own time.
    trust = TrustDesk.open(
        config.tls, config.database.parent, SystemClock(), signer=collector.signer
    )
    after = After(changed=desk.revoked, created=collector.registry.put, tell=collector.tell)
    enrolment = Office(collector.db, SystemClock(), collector.signer, trust, after)
    enrolment.url = config.url
    metrics.show(TlsMetrics(trust))
    exports = Exports(config.database.parent)
    exports.clear()
    exports.may = lambda: collector.space.tidying
    metrics.show(ExportMetrics(exports))
    return Rooms(
        collector=collector,
        desk=desk,
        hub=hub,
        metrics=metrics,
        cables=cables,
        guards=guards,
        trust=trust,
        enrolment=enrolment,
        exports=exports,
        guidance=guidance,
    )


async def _until_stopped(
    collector: Collector, rooms: Rooms, server: Server, listener: socket.socket
) -> None:
    """Serve; when one of the collector's own tasks fails, everything stops with its error."""
    async with asyncio.TaskGroup() as group:
        work = (
            collector.run(),
            rooms.hub.run(),
            rooms.guards.incidents.run(),
            rooms.trust.run(collector.db),
        )
        tasks = [group.create_task(each) for each in work]
        await server.serve(sockets=[listener])
        for task in tasks:
            task.cancel()


async def _greet(
    config: CentralConfig, collector: Collector, listener: socket.socket, language: str
) -> None:
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    scheme = "http" if config.tls is None else "https"
    print(text("CENTRAL_RUNNING", {"url": f"{scheme}://{shown}:{port}"}, language), flush=True)
    if not await collector.db.read(administrators):
        print(text("NO_ADMINISTRATOR", {"config": str(config.file)}, language), flush=True)


async def _create(rooms: Rooms, wanted: Wanted) -> Told:
    now = rooms.desk.clock.now()

    def make(db: Tables) -> Made:
        return create_admin(db, wanted, now)

    return asdict(await rooms.collector.db.write(make))


async def _back_up(backups: Backups, actor: str, say: Say) -> Told:
    """Make a backup and tell how far it is; it goes on when nobody listens any more."""
    making = asyncio.ensure_future(backups.take(actor))
    try:
        while not making.done():
            await asyncio.wait([making], timeout=TELL)
            phase, done, total = backups.running or ("verify", 0, 0)
            await say({"phase": phase, "done": done, "total": total})
    finally:
        making.add_done_callback(lambda task: task.cancelled() or task.exception())
    return asdict(await making)
