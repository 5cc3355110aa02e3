"""Who the collector is, as it signs it."""

from central.api.models.words import Answer
from central.api.times import Time


class Vouched(Answer):
    """The collector's signature over the statement with `signature` null."""

    alg: str
    keyid: str
    value: str


class Trust(Answer):
    """The statement of trust. `name` null: the certificate is for the address that was dialled.

    `authorities`: CA certificates (PEM) to trust; none where the machine's own are meant.
    """

    collector: str
    key: str | None
    name: str | None
    authorities: list[str]
    now: Time
    nonce: str
    signature: Vouched | None
