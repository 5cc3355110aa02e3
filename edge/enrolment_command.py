"""`fengsui-edge enrol`: for a person on site, with the work sheet in hand.

Takes the text of the QR code, or a code alone (the address is then the configuration's), or nothing
where an enrolment waits already; shows six digits large and stays until the collector has decided.
"""

import argparse
import sys
import threading
from typing import Final

from edge.big_digits import big
from edge.check import load_config
from edge.config import EdgeConfig
from edge.enrolment import Enrolment
from edge.enrolment_record import Waiting
from edge.identity import Identity
from protocols.enrolment import Invitation, id_of, read_code, read_invitation, web_address
from protocols.errors import FengsuiError, UplinkError, UplinkRefused
from protocols.texts import text

POLL: Final = 2.0
"""Real seconds between two questions whether the key is approved."""
PATIENT: Final = frozenset({"TOO_MANY", "STORE_UNAVAILABLE", "ENROL_NOT_OURS"})
"""Refusals that pass: somebody who waits goes on waiting."""
LOOPBACK: Final = ("http://127.0.0.1", "http://localhost", "http://[::1]")
INTERRUPTED: Final = 130


def enrol_command(args: argparse.Namespace) -> int:
    """Enrol; 0 once the key is approved, 130 when left while it waits. Raises FengsuiError."""
    config = load_config(args.config)
    folder = config.collector.identity_folder
    if folder is None:
        raise AssertionError("a checked configuration has one")
    enrolment = Enrolment(config, Identity(folder))
    try:
        waiting = _begun(args, config, enrolment)
        _say_where(config, waiting, args.language)
        _wait(args, enrolment, waiting)
    except KeyboardInterrupt:
        if enrolment.waiting() is not None:
            print("\n" + text("ENROL_LEFT", {}, args.language), flush=True)
        return INTERRUPTED
    _say_way(config, waiting, args.language)
    return 0


def _begun(args: argparse.Namespace, config: EdgeConfig, enrolment: Enrolment) -> Waiting:
    invitation, waiting = _invitation(args, config), enrolment.waiting()
    if waiting is not None and (invitation is None or _same(invitation, waiting)):
        return waiting
    if invitation is None:
        invitation = _asked(args, config)
    _must_be_private(invitation.url, config)
    print(text("ENROL_ALREADY_RUNS", {"url": invitation.url}, args.language), flush=True)
    return enrolment.begin(invitation)


def _say_where(config: EdgeConfig, waiting: Waiting, language: str) -> None:
    """Show where this machine is taken to stand; nobody is asked, whoever sees it knows better."""
    named = [site.name for site in config.sites]
    if waiting.site is None:
        print(text("ENROL_SITE_OURS", {"site": config.site}, language))
    elif waiting.site in named:
        print(text("ENROL_SITE", {"site": waiting.site}, language))
    else:
        params = {"theirs": waiting.site, "ours": ", ".join(named), "config": str(config.file)}
        print(text("ENROL_SITE_DIFFERS", params, language))


def _say_way(config: EdgeConfig, waiting: Waiting, language: str) -> None:
    """A QR code may lead elsewhere than the configuration, which is what `run` goes by."""
    ours = config.collector.url
    if waiting.url.rstrip("/") != ours:
        params = {"theirs": waiting.url, "ours": ours, "config": str(config.file)}
        print(text("ENROL_URL_DIFFERS", params, language), flush=True)


def _same(invitation: Invitation, waiting: Waiting) -> bool:
    """Whether this is the command that was left, run once more: its code is used up."""
    return (invitation.url, id_of(invitation.code)) == (waiting.url, waiting.code_id)


def _invitation(args: argparse.Namespace, config: EdgeConfig) -> Invitation | None:
    """Return what the arguments say; a code may stand where the QR code's text would."""
    if args.text is not None and "|" in args.text:
        return read_invitation(args.text)
    code = args.code if args.code is not None else args.text
    if code is None:
        return None
    url = (args.url or config.collector.url).rstrip("/")
    if not web_address(url):
        raise FengsuiError("ENROLMENT_TEXT_FORM")
    return Invitation(url=url, ca=None, code=read_code(code))


def _asked(args: argparse.Namespace, config: EdgeConfig) -> Invitation:
    if not sys.stdin.isatty():
        raise FengsuiError("ENROL_NO_CODE")
    said = input(text("ENROL_ASK_CODE", {}, args.language)).strip()
    if not said:
        raise FengsuiError("ENROL_NO_CODE")
    args.text = said
    invitation = _invitation(args, config)
    if invitation is None:
        raise FengsuiError("ENROL_NO_CODE")
    return invitation


def _must_be_private(url: str, config: EdgeConfig) -> None:
    here = url.startswith(tuple(f"{each}{end}" for each in LOOPBACK for end in (":", "/")))
    plain = url.startswith("http://") and not here and url not in LOOPBACK
    if plain and not config.collector.allow_plain_http:
        raise FengsuiError("ENROL_PLAIN_HTTP", url=url)


def _wait(args: argparse.Namespace, enrolment: Enrolment, waiting: Waiting) -> None:
    language, shown, silent = args.language, False, False
    pause = threading.Event()
    with enrolment.talk(waiting.url) as talk:
        while True:
            try:
                if enrolment.approved(talk, waiting):
                    enrolment.finish(talk, waiting)
                    _done(args, waiting)
                    return
                silent = False
            except UplinkError as exc:
                if not _passes(exc):
                    raise
                talk.hang_up()
                if not silent:
                    params = {"url": waiting.url, "reason": text(exc.code, exc.params, language)}
                    print(text("ENROL_SILENT", params, language), flush=True)
                silent = True
            if not shown:
                _show(waiting, language)
                shown = True
            pause.wait(POLL)


def _passes(exc: UplinkError) -> bool:
    """Whether waiting helps: the way is cut, or something else answers for now."""
    return not isinstance(exc, UplinkRefused) or exc.code in PATIENT


def _show(waiting: Waiting, language: str) -> None:
    print(text("ENROL_WAITING", {}, language))
    print(f"\n{big(waiting.digits)}\n")
    print(text("ENROL_DIGITS", {"digits": waiting.digits}, language), flush=True)


def _done(args: argparse.Namespace, waiting: Waiting) -> None:
    params = {
        "gateway": waiting.gateway,
        "keyid": waiting.keyid,
        "config": str(args.config),
    }
    print(text("ENROL_DONE", params, args.language), flush=True)
