"""The commands of `fengsui-edge`: run, check, read once, look into the buffer, at alarms, enrol,
show the public key.

What a command needs is loaded when it runs: the gateway's own modules while the child checks the
file, since a restart counts by the second.
"""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from edge import check
from edge.check import Checking, print_problems
from protocols.errors import ConfigError, FengsuiError
from protocols.texts import LANGUAGES, catalogue, text

logger = logging.getLogger(__name__)

EXIT_PROBLEM: Final = 1
LOG_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code. No traceback reaches the user."""
    args = parser().parse_args(arguments)
    try:
        code: int = args.run(args)
    except ConfigError as exc:
        print_problems(exc.problems, args.language, as_json=getattr(args, "json", False))
        return EXIT_PROBLEM
    except FengsuiError as exc:
        return _explain(exc, args.language)
    except ModuleNotFoundError as exc:
        return _explain(exc, args.language)
    except BaseExceptionGroup as exc:
        return _explain(first_of(exc), args.language)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_PROBLEM
    except Exception as exc:  # noqa: BLE001  # the last place before the user, who gets a sentence
        return _explain(exc, args.language)
    return code


def _explain(exc: BaseException, language: str) -> int:
    if isinstance(exc, ModuleNotFoundError):
        exc = FengsuiError("EXTRA_MISSING", module=str(exc.name), extra="edge")
    if not isinstance(exc, FengsuiError):
        logger.debug("stopped", exc_info=exc)
        exc = FengsuiError("GATEWAY_FAILED", reason=f"{type(exc).__name__}: {exc}")
    print(text(exc.code, exc.params, language), file=sys.stderr)
    return EXIT_PROBLEM


def first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first thing that went wrong in a group of tasks."""
    first = group.exceptions[0]
    return first_of(first) if isinstance(first, BaseExceptionGroup) else first


def parser() -> argparse.ArgumentParser:
    """Return the command line. Reads all sentences, while there are descriptors to do so."""
    for language in LANGUAGES:
        catalogue(language)
    top = argparse.ArgumentParser(prog="fengsui-edge", description="烽燧网关 / Fengsui gateway")
    verbs = top.add_subparsers(required=True, metavar="{run,check,once,buffer,alarms,enrol,key}")
    run = _verb(verbs, "run", run_command, "运行网关 / run the gateway")
    _config(run)
    run.add_argument("--story", type=Path, help="故事时钟文件 / story clock file")
    run.add_argument(
        "--report-commits",
        type=int,
        metavar="FD",
        help="每个落盘批次写一行 JSON 到该描述符 / one JSON line per committed batch",
    )
    run.add_argument("--log", default="info", choices=("debug", "info", "warning", "error"))
    checked = verbs.add_parser("check", help="检查配置文件 / check a file")
    check.add_arguments(checked)
    checked.set_defaults(run=check.check_command)
    once = _verb(verbs, "once", once_command, "读一遍所有设备 / read every device once")
    _config(once)
    once.add_argument("--json", action="store_true", help="每个点位一行 JSON / JSON lines")
    looked = _verb(verbs, "buffer", buffer_command, "查看缓存 / look into the buffer")
    _config(looked)
    looked.add_argument("--json", action="store_true", help="JSON")
    shown = _verb(verbs, "alarms", alarms_command, "本机报警 / alarms of this gateway")
    _config(shown)
    shown.add_argument("--json", action="store_true", help="JSON")
    shown.add_argument("--acknowledge", metavar="RULE", help="确认收到一条 / acknowledge one")
    shown.add_argument("--by", default="", help="确认人 / who acknowledges")
    enrol = _verb(verbs, "enrol", enrol_command, "网关入网 / enrol this gateway")
    _config(enrol)
    enrol.add_argument(
        "text", nargs="?", help="二维码文字,或入网码 / the QR code's text, or a code"
    )
    enrol.add_argument("--url", help="平台地址,默认用配置里的 / the collector's address")
    enrol.add_argument("--code", help="入网码 / enrolment code")
    shown = _verb(verbs, "key", key_command, "显示公钥 / show the public key")
    _config(shown)
    return top


def _verb(
    verbs: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    run: Callable[[argparse.Namespace], int],
    about: str,
) -> argparse.ArgumentParser:
    made = verbs.add_parser(name, help=about)
    made.set_defaults(run=run)
    made.add_argument("--language", choices=LANGUAGES, default="zh", help="语言 / language")
    return made


def _config(made: argparse.ArgumentParser) -> None:
    made.add_argument("config", type=Path, help="网关配置 / configuration")


def run_command(args: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT, then seal and close cleanly."""
    logging.basicConfig(level=args.log.upper(), format=LOG_FORMAT, stream=sys.stderr)
    checking = Checking(args.config)
    from edge.gateway import run_gateway
    from protocols.story import load_clock

    config = checking.config()
    clock = load_clock(args.story)
    return asyncio.run(_until_told(run_gateway(config, clock, report=_reporter(args))))


def once_command(args: argparse.Namespace) -> int:
    """Read every device once."""
    from edge import once

    return once.once_command(args)


def buffer_command(args: argparse.Namespace) -> int:
    """Look into the buffer."""
    from edge import buffer_command as looking

    return looking.buffer_command(args)


def alarms_command(args: argparse.Namespace) -> int:
    """Show what stands, or acknowledge it."""
    from edge.alarms import command

    return command.alarms_command(args)


def enrol_command(args: argparse.Namespace) -> int:
    """Enrol this gateway."""
    from edge import enrolment_command as enrolling

    return enrolling.enrol_command(args)


def key_command(args: argparse.Namespace) -> int:
    """Show the public key."""
    from edge import key_command as showing

    return showing.key_command(args)


async def _until_told(running: Coroutine[None, None, None]) -> int:
    task = asyncio.create_task(running)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await task
    return 0


def _reporter(args: argparse.Namespace) -> Callable[[str, int, int], None] | None:
    descriptor = args.report_commits
    if descriptor is None:
        return None
    try:
        os.fstat(descriptor)
    except OSError as exc:
        raise FengsuiError("NO_SUCH_DESCRIPTOR", descriptor=descriptor) from exc

    def report(stream: str, seq0: int, n: int) -> None:
        line = json.dumps({"stream": stream, "seq0": seq0, "n": n}) + "\n"
        with suppress(BrokenPipeError):  # the reader has gone; the gateway goes on
            os.write(descriptor, line.encode())

    return report
