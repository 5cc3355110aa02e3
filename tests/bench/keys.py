"""Identities for benches: gateways and a collector that trust each other, as after an enrolment."""

import shutil
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from central.identity import gateway_keys
from edge.config import CollectorLink
from edge.identity import KEY
from edge.proving import Proof
from edge.trust import Trust
from edge.trust_file import TRUST, Known, save
from protocols.clock import SystemClock
from protocols.signing.keys import Ed25519Signer, PublicKey
from protocols.tls.names import server_name

CLOCK = SystemClock()


@dataclass(frozen=True)
class Identities:
    """`folder` holds a folder for each gateway, as the gateway itself would have it."""

    folder: Path
    keys: dict[str, PublicKey]

    @classmethod
    def made(cls, folder: Path, names: Iterable[str]) -> "Identities":
        """Make a key for each of `names`."""
        keys = {}
        for name in names:
            signer = Ed25519Signer.generate()
            file = folder / name / KEY
            file.parent.mkdir(parents=True, mode=0o700)
            file.touch(0o600)
            file.write_bytes(signer.dump())
            keys[name] = signer.public
        return cls(folder, keys)

    def enter(self, database: Path) -> None:
        """Let a collector that does not run trust all of them."""
        tables = Database(database)
        with closing(tables.conn), tables.conn:
            for name, public in self.keys.items():
                gateway_keys.add(tables, name, public, "bench", CLOCK.now())

    def trust(self, collector: Path) -> None:
        """Let all of them trust the collector whose data lies in `collector`."""
        named = (collector / "collector.id").read_text("ascii").strip()
        key = Ed25519Signer.load((collector / "collector.key").read_bytes()).public
        ca = collector / "tls" / "ca.crt"
        known = Known(
            collector=named,
            key=key.encode(),
            name=server_name(named) if ca.exists() else None,
            authorities=(ca.read_text("ascii"),) if ca.exists() else (),
            floor=CLOCK.now(),
        )
        first, *others = (self.folder / name / TRUST for name in self.keys)
        save(first, known)
        for each in others:
            shutil.copy(first, each)

    def proof(self, name: str) -> Proof:
        """Return what signs for a gateway on one connection."""
        link = CollectorLink(url="", identity_folder=self.folder / name)
        return Proof(link, Trust(self.folder / name / TRUST, CLOCK))

    def known(self, name: str) -> Known | None:
        """Return what a gateway knows of its collector."""
        return Trust(self.folder / name / TRUST, CLOCK).known
