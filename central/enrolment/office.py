"""Everything the routes about enrolment work with, wired to the collector it belongs to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from central.database import Database
from central.effects import Effects
from central.enrolment.acts import Acts
from central.enrolment.desk import EnrolmentDesk, Itself
from central.enrolment.warrants import Warrants
from central.registry import Entry
from central.tls.trust import TrustDesk
from protocols.clock import Clock
from protocols.signing.keys import Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """What has to hear of it, after the commit.

    `changed`: a key began or ended to count; `created`: a gateway is new; `tell`: it is an event.
    """

    changed: Callable[[], None]
    created: Callable[[Entry], None]
    tell: Callable[[Effects], None]


class Office:
    """The desk for gateways, the acts of people, and who the collector says it is."""

    def __init__(
        self, db: Database, clock: Clock, signer: Signer, trust: TrustDesk, after: After
    ) -> None:
        """`clock` is the machine's own, whatever story the data runs on."""
        self.signer = signer
        self.clock = clock
        self.url: str | None = None
        """Where gateways find us from their sites, as far as the configuration says."""
        self._trust = trust
        self.desk = EnrolmentDesk(db, clock, self.itself, after.changed, after.tell)
        self.acts = Acts(db, clock, after.changed, after.created)
        who = (trust.collector, signer)
        self.warrants = Warrants(db, clock, who, after.changed, after.created, after.tell)

    def itself(self) -> Itself:
        """Return who the collector is: its id, its key, its CA."""
        trust = self._trust
        key = self.signer.public.encode()
        return Itself(id=trust.collector, key=key, ca=trust.shown.shown.fingerprint)

    def certificates(self) -> Sequence[str]:
        """Return the SHA-256 of the certificates a gateway may have been shown."""
        plate = self._trust.shown.plate
        return () if plate is None else plate.fingerprints
