"""How a gateway enrols: proves the code, has the collector prove it, waits until it is approved.

hello -> proof -> [somebody compares six digits and approves] -> statement of trust -> enrolled.
The key that is used until now and what is known of a collector stay as they are until all of it
has come to a good end. Blocking.
"""

import hashlib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from edge import enrolment_record
from edge.config import EdgeConfig
from edge.enrolment_record import Waiting
from edge.enrolment_talk import Talk
from edge.health import boot_id, product_version
from edge.identity import Identity, IdentityFolderUnusable
from edge.trust_file import TRUST, Known
from edge.trust_file import save as save_trust
from edge.warrant import save as save_warrant
from protocols.enrolment import (
    DIGITS,
    HELLO,
    LARGEST,
    PROOF,
    PROVE,
    STATE,
    Invitation,
    Transcript,
    digits,
    id_of,
    proof,
    proves,
    stretch,
)
from protocols.errors import FengsuiError, NotAnAnswer, UplinkRefused, WireError
from protocols.tls.statement import COLLECTOR, KEY, PATH, parse_statement
from protocols.wire.bounds import RECORD_BYTES
from protocols.wire.canonical import load_any
from protocols.wire.fields import HEX128, Fields
from protocols.wire.headers import new_nonce
from protocols.wire.opening import new_stream_id
from protocols.words import NAME

if TYPE_CHECKING:
    from protocols.signing.keys import Signer

STATES: Final = ("pending", "active", "held", "refused", "revoked", "replaced")


class CollectorUnproven(FengsuiError):
    """Whoever answered does not know the code."""

    code = "ENROL_COLLECTOR_UNPROVEN"


class CaDiffers(FengsuiError):
    """The collector names another CA than the QR code."""

    code = "ENROL_CA_DIFFERS"


class GatewayDiffers(FengsuiError):
    """The code was made for another gateway."""

    code = "ENROL_GATEWAY_DIFFERS"


class Refused(FengsuiError):
    """Somebody at the collector said no, or the key was taken away again."""

    code = "ENROL_REFUSED"


@dataclass(frozen=True, slots=True)
class _Heard:
    """The transcript both prove, and the key they prove it with."""

    transcript: Transcript
    key: bytes


class Enrolment:
    """One gateway's, from the code to the trust it leaves behind."""

    def __init__(self, config: EdgeConfig, identity: Identity) -> None:
        self._config = config
        self._identity = identity
        self._warrant: str | None = None

    def talk(self, url: str) -> Talk:
        """Return a connection to be made to whoever is at `url`."""
        link = replace(self._config.collector, url=url)
        return Talk(link, f"fengsui-edge/{product_version()}")

    def waiting(self) -> Waiting | None:
        """Return the enrolment that was begun and is not over."""
        found, signer = enrolment_record.load(self._identity.folder), self._identity.pending()
        return found if found and signer and signer.keyid == found.keyid else None

    def begin(self, invitation: Invitation) -> Waiting:
        """Prove the code and let the collector prove it; return what to wait for.

        Raises UplinkError, CollectorUnproven, CaDiffers, GatewayDiffers, IdentityFolderUnusable.
        """
        signer = self._identity.make()
        with self.talk(invitation.url) as talk:
            talk.call()
            heard = self._greet(talk, invitation, signer)
            # Not before: a code that is no good must not cost an enrolment that waits.
            self._identity.keep(signer)
            gateway, site, shown = self._prove(talk, heard)
        if gateway != self._config.gateway:
            self._identity.refused()
            raise GatewayDiffers(theirs=gateway, ours=self._config.gateway)
        waiting = Waiting(
            url=invitation.url,
            code_id=id_of(invitation.code),
            ca=invitation.ca,
            collector=heard.transcript.collector_id,
            collector_key=heard.transcript.collector_key,
            keyid=signer.keyid,
            gateway=gateway,
            digits=shown,
            site=site,
        )
        enrolment_record.save(self._identity.folder, waiting)
        return waiting

    def approved(self, talk: Talk, waiting: Waiting) -> bool:
        """Ask whether the key is approved by now. Raises UplinkError, Refused."""
        signer = self._pending(waiting)
        nonce = new_nonce()
        said = _signed(talk.ask(STATE, nonce, signer), nonce, waiting)
        if said.text("keyid") != waiting.keyid:
            raise NotAnAnswer(reason="keyid")
        state = said.one_of("state", STATES)
        if state == "pending":
            return False
        if state not in ("active", "held"):
            self._identity.refused()
            enrolment_record.forget(self._identity.folder)
            raise Refused
        given = said.data.get("warrant")
        self._warrant = given if isinstance(given, str) else None
        return True

    def finish(self, talk: Talk, waiting: Waiting) -> None:
        """Learn the collector's certificates and put key and trust in their places.

        Raises UplinkError, CaDiffers, IdentityFolderUnusable.
        """
        nonce = new_nonce()
        data = talk.ask(PATH, nonce)
        _signed(data, nonce, waiting)
        said = parse_statement(data, nonce)
        if said.collector != waiting.collector:
            raise NotAnAnswer(reason="collector")
        if waiting.ca is not None and waiting.ca not in map(_mark, said.authorities):
            raise CaDiffers
        known = Known(
            collector=said.collector,
            key=waiting.collector_key,
            name=said.name,
            authorities=said.authorities,
            floor=said.now,
        )
        folder = self._identity.folder
        try:
            save_trust(folder / TRUST, known)
        except OSError as exc:
            reason = exc.strerror or str(exc)
            raise IdentityFolderUnusable(folder=str(folder), reason=reason) from exc
        if self._warrant is not None:  # else the gateway asks for it when it runs
            save_warrant(folder, self._warrant.encode(), self._pending(waiting).public.encode())
        self._identity.approved()
        enrolment_record.forget(folder)

    def _greet(self, talk: Talk, invitation: Invitation, signer: "Signer") -> _Heard:
        code, nonce, boot = invitation.code, new_nonce(), boot_id(new_stream_id)
        key = signer.public.encode()
        said = talk.tell(
            HELLO,
            {
                "id": id_of(code),
                "key": key,
                "nonce": nonce,
                "boot": boot,
                "certificate": talk.certificate,
            },
        )
        with _reading():
            itself = Fields(said.any("collector"), "collector")
            ca = itself.optional_text("ca_sha256", PROOF)
            transcript = Transcript(
                code_id=id_of(code),
                boot=boot,
                gateway_nonce=nonce,
                collector_nonce=said.text("nonce", HEX128),
                gateway_key=key,
                collector_id=itself.text("id", COLLECTOR),
                collector_key=itself.text("key", KEY),
                certificate=talk.certificate,
            )
            cost = {name: said.integer(name, 1, LARGEST) for name in ("n", "r", "p")}
            salt = bytes.fromhex(said.text("salt", HEX128))
        if invitation.ca is not None and invitation.ca != ca:
            raise CaDiffers
        return _Heard(transcript, _stretched(code, salt, cost))

    def _prove(self, talk: Talk, heard: _Heard) -> tuple[str, str | None, str]:
        """Return the gateway and the site the code is for, and the digits to show."""
        transcript = heard.transcript
        said = talk.tell(
            PROVE,
            {
                "id": transcript.code_id,
                "nonce": transcript.collector_nonce,
                "proof": proof(heard.key, "gateway", transcript),
            },
        )
        with _reading():
            shown, gateway = said.text("proof", PROOF), said.text("gateway", NAME)
            theirs, site = said.text("digits", DIGITS), said.optional_text("site", NAME)
        ours = digits(heard.key, transcript)
        if not proves(heard.key, "collector", transcript, shown) or theirs != ours:
            self._identity.refused()
            raise CollectorUnproven
        return gateway, site, ours

    def _pending(self, waiting: Waiting) -> "Signer":
        signer = self._identity.pending()
        if signer is None or signer.keyid != waiting.keyid:
            raise UplinkRefused("ENROL_NO_CODE")
        return signer


@contextmanager
def _reading() -> Iterator[None]:
    """What does not follow the form is nobody's answer."""
    try:
        yield
    except WireError as exc:
        raise NotAnAnswer(reason=exc.code) from exc


def _signed(data: bytes, nonce: str, waiting: Waiting) -> Fields:
    """Return what our collector said in answer to `nonce`. Raises NotAnAnswer."""
    from protocols.signing.answer import must_be_signed
    from protocols.signing.keys import PublicKey

    must_be_signed(data, PublicKey.parse(waiting.collector_key))
    with _reading():
        said = Fields(load_any(data, "enrolment", RECORD_BYTES), "enrolment")
        if said.text("nonce", HEX128) != nonce:
            raise NotAnAnswer(reason="nonce")
    return said


def _stretched(code: str, salt: bytes, cost: dict[str, int]) -> bytes:
    """Stretch the code as the collector asks, as long as that is within reason."""
    n, r, p = cost["n"], cost["r"], cost["p"]
    if n < 2 or n & (n - 1) or r * p > 16 or n * r > LARGEST * 8:
        raise NotAnAnswer(reason="cost")
    return stretch(code, salt, n, r, p)


def _mark(pem: str) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
