"""Everything the routes about enrolment work with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from central.enrolment.acts import Acts
from central.enrolment.desk import EnrolmentDesk, Itself
from protocols.signing.keys import Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """`certificates`: the SHA-256 of those a gateway may have seen over TLS.

    `url`: where gateways find the collector, None where only whoever asks can know.
    """

    desk: EnrolmentDesk
    acts: Acts
    signer: Signer
    itself: Callable[[], Itself]
    certificates: Callable[[], Sequence[str]]
    url: str | None = None
