"""`fengsui-central run | check | backup | restore ...`: arguments in, an exit code out.

Exit codes: 0 done, 1 refused (a sentence says why), 2 wrong arguments. No traceback ever reaches a
user for anything that can be named.
"""

import argparse
import asyncio
import gc
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from central.commands.evidence_arguments import add_evidence
from central.commands.gateway_arguments import add_gateway
from central.commands.rules_arguments import add_rules
from central.commands.store_arguments import add_store
from central.commands.virtual_arguments import add_virtual
from protocols.errors import ConfigError, FengsuiError
from protocols.problems import lines
from protocols.texts import LANGUAGES, text

Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    args = _parser().parse_args(arguments)
    command: Command = args.command
    try:
        return command(args)
    except ConfigError as exc:
        as_json = getattr(args, "json", False)
        for line in lines(exc.problems, args.language, json_lines=as_json):
            print(line)
        return 1
    except FengsuiError as exc:
        print(text(exc.code, exc.params, args.language), file=sys.stderr)
        return 1
    except ModuleNotFoundError as exc:
        missing = {"module": str(exc.name), "extra": "central"}
        print(text("EXTRA_MISSING", missing, args.language), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


# Each command loads its libraries when it is called: `--help` and `check` stay quick.


def _run(args: argparse.Namespace) -> int:
    gc.disable()  # until it serves: what modules make stays, searching it is a tenth of their time
    from central.commands.run import run

    run(args.config, args.story, args.language)
    return 0


def _check(args: argparse.Namespace) -> int:
    from central.commands.check import check

    return check(args.config, args.language, as_json=args.json, with_audit=args.audit)


def _migrate(args: argparse.Namespace) -> int:
    from central.commands.check import migrate

    return asyncio.run(migrate(args.config, args.language))


def _create_admin(args: argparse.Namespace) -> int:
    from central.commands.create_admin import Asked, create

    asked = Asked(
        config=args.config,
        name=args.name,
        link=args.login_link,
        from_stdin=args.password_stdin,
        language=args.language,
    )
    return create(asked)


def _backup(args: argparse.Namespace) -> int:
    from central.commands.backup import backup

    return backup(args.config, args.language)


def _backups(args: argparse.Namespace) -> int:
    from central.commands.backup import backups

    return backups(args.config, args.language)


def _restore(args: argparse.Namespace) -> int:
    from central.commands.backup import restore_backup

    return restore_backup(args.config, args.file, args.identity, args.language)


_COMMANDS: Final[tuple[tuple[str, Command, str], ...]] = (
    ("run", _run, "运行平台 / run the collector"),
    ("check", _check, "检查配置,列出全部问题 / check the configuration, list every problem"),
    ("migrate", _migrate, "升级数据库表 / bring the database's tables up to date"),
    ("create-admin", _create_admin, "建立管理员 / make an administrator"),
    (
        "backup",
        _backup,
        "立即备份并校验 / make a verified backup, also while it runs",
    ),
    ("backups", _backups, "列出备份 / list the backups"),
    ("restore", _restore, "用备份恢复,平台须已停止 / restore a backup; the collector is stopped"),
)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fengsui-central", description="烽燧平台 / the collector")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    made = {}
    for name, command, purpose in _COMMANDS:
        made[name] = commands.add_parser(name, help=purpose, description=purpose)
        made[name].set_defaults(command=command)
        made[name].add_argument(
            "config", type=Path, help="平台配置文件 / the collector's YAML file"
        )
        made[name].add_argument(
            "--language", choices=LANGUAGES, default="zh", help="提示语言 / language of messages"
        )
    keys = "网关入网:发码、批准、吊销 / enrolment: codes, keys, approval, revocation"
    add_gateway(commands.add_parser("gateway", help=keys, description=keys))
    others = "他方系统:虚拟网关和令牌 / others' systems: virtual gateways and their tokens"
    add_virtual(commands.add_parser("virtual", help=others, description=others))
    add_evidence(commands)
    add_store(commands)
    add_rules(commands)
    made["run"].add_argument(
        "--story", type=Path, help="故事时钟文件,仅用于演示 / story clock, for demonstrations"
    )
    made["check"].add_argument("--json", action="store_true", help="每个问题一行 JSON / JSON lines")
    made["check"].add_argument(
        "--audit", action="store_true", help="另核对审计链 / verify the audit's chain too"
    )
    made["restore"].add_argument(
        "file",
        type=Path,
        nargs="?",
        help="备份文件,默认最新一份 / the backup, by default the newest",
    )
    made["restore"].add_argument(
        "--identity",
        choices=("keep", "replace"),
        help="数据目录里已有别的平台密钥时:保留,或移开后换成备份里的 "
        "/ other key files are there: they stay, or give way to the backup's",
    )
    admin = made["create-admin"]
    admin.add_argument("name", help="登录名 / login name")
    admin.add_argument(
        "--login-link", action="store_true", help="给出一次性登录链接 / print a one-time login link"
    )
    admin.add_argument(
        "--password-stdin",
        action="store_true",
        help="从标准输入读密码 / read the password from standard input",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
