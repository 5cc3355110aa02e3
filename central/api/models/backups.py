"""Backups as the page lists them."""

from central.api.models.words import Answer, Params
from central.api.times import Time


class BackupMade(Answer):
    """One attempt; `time` is that of its snapshot.

    `result`: verified, failed, or gone (it was verified, and is there no more). `bytes` is what is
    restored from it, `written` what it added to its folder (null: not known). `identity` as in the
    overview's `backup_identity`. `code` is a key of the text catalogue: why it failed, what became
    of it, or why it is without the collector's own files; null where nothing is to be said.
    """

    time: Time
    file: str
    result: str
    code: str | None
    params: Params
    bytes: int
    written: int | None
    seconds: float
    identity: str
    actor: str


class BackupPage(Answer):
    """Newest first; `next` goes on where this page ends. `configured`: there is a target."""

    configured: bool
    items: list[BackupMade]
    next: str | None
