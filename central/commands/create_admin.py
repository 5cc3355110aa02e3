"""`fengsui-central create-admin`: the first person, with a password or a one-time login link.

The password is typed twice or read from standard input; it is never an argument, where every user
of the machine could read it. Works beside a running collector: that one writes, we only ask.
"""

import asyncio
import getpass
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from central.commands.operator import operator
from central.config import CentralConfig, load_config
from central.control import FolderInUse, ask, holding
from central.database import Database
from central.identity.creation import Made, Wanted, checked, create_admin
from central.identity.passwords import Passwords
from protocols.clock import SystemClock
from protocols.errors import FengsuiError
from protocols.texts import text


class PasswordNotGiven(FengsuiError):
    """The two typed differ, or there is nobody to type one."""

    code = "PASSWORD_DIFFERS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The command's arguments."""

    config: Path
    name: str
    link: bool
    from_stdin: bool
    language: str


def create(asked: Asked) -> int:
    """Make the administrator and say so. Raises FengsuiError when refused."""
    config = load_config(asked.config)
    name = checked(asked.name)
    password = _password(asked, name)
    hashed = None if password is None else Passwords().hash(name, password)
    wanted = Wanted(name=name, by=operator(), password_hash=hashed, link=asked.link)
    made = _made(config, wanted)
    code = "ADMIN_CREATED" if made.new else "ADMIN_RENEWED"
    print(text(code, {"name": name}, asked.language))
    if made.code is not None:
        url = f"{base_url(config)}/#/login?code={made.code}"
        print(text("LOGIN_LINK", {"url": url}, asked.language))
    return 0


def base_url(config: CentralConfig) -> str:
    """Return where a browser on this machine finds the collector."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # what is listened on
    host = everywhere.get(config.host, config.host)
    scheme = "http" if config.tls is None else "https"
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{config.port}"


def _made(config: CentralConfig, wanted: Wanted) -> Made:
    folder = config.database.parent
    try:
        with holding(folder):
            return asyncio.run(_write(config.database, wanted))
    except FolderInUse:
        return Made(**ask(folder, "create_admin", asdict(wanted)))


async def _write(file: Path, wanted: Wanted) -> Made:
    clock = SystemClock()
    database = await Database.open(file, clock)
    try:
        return await database.write(lambda db: create_admin(db, wanted, clock.now()))
    finally:
        await database.close()


def _password(asked: Asked, name: str) -> str | None:
    if asked.from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if asked.link:
        return None
    if not sys.stdin.isatty():
        raise PasswordNotGiven("PASSWORD_NO_TERMINAL")
    first = getpass.getpass(text("PASSWORD_PROMPT", {"name": name}, asked.language))
    if first != getpass.getpass(text("PASSWORD_AGAIN", {}, asked.language)):
        raise PasswordNotGiven
    return first
