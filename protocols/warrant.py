"""The warrant (入网凭证): the collector's own word, signed, that a key was approved (pure).

A gateway keeps it. When a collector that was restored from a backup does not know the key any more,
the gateway shows it: what the backup lost is then known again without anybody's going there. It
holds for the key it names, and whoever shows it must sign with that key. docs/wire.md section 13.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from protocols.signing.answer import must_be_signed, signed
from protocols.tls.statement import COLLECTOR, KEY
from protocols.wire.bounds import TIME
from protocols.wire.canonical import dump, load
from protocols.wire.fields import Fields
from protocols.words import Label

if TYPE_CHECKING:
    from protocols.signing.keys import PublicKey, Signer

PATH: Final = "/api/v1/enrolment/warrant"
LARGEST: Final = 4_096
WHERE: Final = "warrant"
KIND: Final = "fengsui-warrant-1"
"""Among what the collector signs nothing else says this of itself."""
_LINE: Final = re.compile(r"[^\x00-\x1f\x7f]{1,200}")
_KEYS: Final = frozenset(
    {
        "approved",
        "approved_by",
        "collector",
        "gateway",
        "key",
        "kind",
        "label",
        "signature",
        "site",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Warrant:
    """That `key` (as text) was approved for `gateway` at `approved` (µs UTC), and by whom.

    `label` and `site` are what it takes to know the gateway again.
    """

    collector: str
    gateway: str
    key: str
    site: str | None
    label: Label
    approved: int
    approved_by: str


def write(warrant: Warrant, signer: "Signer") -> bytes:
    """Return the signed bytes. Raises WireError for a label that is no text."""
    said = {
        "kind": KIND,
        "collector": warrant.collector,
        "gateway": warrant.gateway,
        "key": warrant.key,
        "site": warrant.site,
        "label": {"zh": warrant.label.zh, "en": warrant.label.en},
        "approved": warrant.approved,
        "approved_by": warrant.approved_by,
        "signature": None,
    }
    return signed(dump(said, WHERE), signer)


def read(data: bytes) -> Warrant:
    """Return what `data` says; whether it is signed is for `must_be_ours`. Raises WireError."""
    fields = Fields(load(data, WHERE, LARGEST), WHERE, _KEYS)
    fields.one_of("kind", (KIND,))
    return Warrant(
        collector=fields.text("collector", COLLECTOR),
        gateway=fields.name("gateway"),
        key=fields.text("key", KEY),
        site=fields.optional_text("site", _LINE),
        label=fields.label("label"),
        approved=fields.integer("approved", 0, TIME),
        approved_by=fields.text("approved_by", _LINE),
    )


def must_be_ours(data: bytes, collector: "PublicKey") -> None:
    """Raise NotAnAnswer unless `collector` signed `data`, byte for byte."""
    must_be_signed(data, collector)
