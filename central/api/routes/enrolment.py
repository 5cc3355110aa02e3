"""What a gateway without a trusted key may ask: hello, proof, how its key stands, its warrant.

The first two are open, since whoever asks has nothing to show yet but the code; the others are
signed with the key they are about, and their answers by the collector. None lets anybody deliver.
"""

from typing import Final

from fastapi import APIRouter, Request, Response

from central.api import models
from central.api.body import receive
from central.api.errors import ApiError, unauthenticated
from central.api.rooms import House, Rooms
from central.enrolment.desk import Visit
from central.enrolment.keys import Key
from central.guard.source import address_of
from protocols.enrolment import COST
from protocols.errors import NotAnAnswer, WireError
from protocols.signing.answer import signed
from protocols.signing.keys import KeyUnusable, PublicKey
from protocols.signing.request import message_of, read_signature, verify_request
from protocols.warrant import LARGEST, Warrant, must_be_ours, read
from protocols.wire.canonical import dump
from protocols.wire.headers import CONTENT_DIGEST, NONCE, content_digest, parse_nonce

router: Final = APIRouter(prefix="/api/v1/enrolment", tags=["enrolment"])


@router.post("/hello")
async def hello(asked: models.Hello, request: Request, house: House) -> models.Welcome:
    """Say which code is to be proved, and whose key; 403 when it is no good, 429 after guesses."""
    key = _key(asked.key)
    visit = _visit(request, house, asked.certificate)
    welcome = await house.enrolment.desk.hello(asked.id, key, asked.nonce, asked.boot, visit)
    itself = welcome.itself
    return models.Welcome(
        salt=welcome.salt.hex(),
        n=COST["n"],
        r=COST["r"],
        p=COST["p"],
        nonce=welcome.nonce,
        collector=models.Itself(id=itself.id, key=itself.key, ca_sha256=itself.ca),
    )


@router.post("/proof")
async def proof(asked: models.Shown, request: Request, house: House) -> models.Proved:
    """Prove the code; one that does not fit ends it (403)."""
    visit = _visit(request, house)
    proved = await house.enrolment.desk.prove(asked.id, asked.nonce, asked.proof, visit)
    return models.Proved.model_validate(proved, from_attributes=True)


@router.get("/state", response_class=Response, responses={200: {"model": models.Standing}})
async def state(request: Request, house: House) -> Response:
    """Say how the key stands that signed this question; the answer is signed too."""
    key, nonce = await _asking(request, house)
    return await _standing(house, key, nonce)


@router.post("/warrant", response_class=Response, responses={200: {"model": models.Standing}})
async def warrant(request: Request, house: House) -> Response:
    """Take a key back by the collector's own word, after a restore that lost it; 403 otherwise.

    Signed with the key that the warrant names; the answer is the one about how it stands.
    """
    body = await receive(request, LARGEST)
    shown, public, nonce = _shown(request, house, body)
    key = await house.enrolment.warrants.take(shown, public, address_of(request.scope))
    return await _standing(house, key, nonce)


async def _standing(house: Rooms, key: Key, nonce: str) -> Response:
    itself, given = house.enrolment.itself(), await house.enrolment.warrants.of(key.keyid)
    said = {
        "state": key.standing,
        "gateway": key.gateway,
        "keyid": key.keyid,
        "site": key.code.site if key.code else None,
        "collector": {"id": itself.id, "key": itself.key, "ca_sha256": itself.ca},
        "nonce": nonce,
        # As text: its bytes are what was signed.
        "warrant": None if given is None else given.decode(),
        "signature": None,
    }
    body = signed(dump(said, "enrolment"), house.enrolment.signer)
    return Response(body, media_type="application/json")


async def _asking(request: Request, house: Rooms) -> tuple[Key, str]:
    """Return the key that signed, whatever became of it. Raises 401 for anything else."""
    try:
        claimed = read_signature(request.headers)
        if claimed is None or request.headers.get(CONTENT_DIGEST) != content_digest(b""):
            raise unauthenticated()
        key = await house.enrolment.desk.key(claimed.keyid)
        if key is None:
            raise unauthenticated()
        message = message_of(request.headers, request.method, request.url.path, claimed)
        if not verify_request(PublicKey(key.alg, key.public), claimed, message):
            raise unauthenticated()
        return key, parse_nonce(request.headers.get(NONCE, ""))
    except (WireError, KeyUnusable) as exc:
        raise unauthenticated() from exc


def _shown(request: Request, house: Rooms, body: bytes) -> tuple[Warrant, PublicKey, str]:
    """Return the warrant, the key that signed the request, its nonce. Raises 401."""
    try:
        claimed = read_signature(request.headers)
        if claimed is None or request.headers.get(CONTENT_DIGEST) != content_digest(body):
            raise unauthenticated()
        must_be_ours(body, house.enrolment.signer.public)
        said = read(body)
        public = PublicKey.parse(said.key)
        message = message_of(request.headers, request.method, request.url.path, claimed)
        if public.keyid != claimed.keyid or not verify_request(public, claimed, message):
            raise unauthenticated()
        return said, public, parse_nonce(request.headers.get(NONCE, ""))
    except (WireError, NotAnAnswer, KeyUnusable) as exc:
        raise unauthenticated() from exc


def _key(text: str) -> PublicKey:
    try:
        return PublicKey.parse(text)
    except KeyUnusable as exc:
        raise ApiError(422, exc.code, **exc.params) from exc


def _visit(request: Request, house: Rooms, seen: str | None = None) -> Visit:
    secure = request.scope["scheme"] == "https"
    certificates = tuple(house.enrolment.certificates()) if secure else (None,)
    return Visit(address=address_of(request.scope), certificates=certificates, seen=seen)
