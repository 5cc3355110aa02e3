"""The arguments of `fengsui-central store check | rebuild`."""

import argparse
from pathlib import Path
from typing import Final

from protocols.texts import LANGUAGES

_STORE: Final = "存储的数据 / stored readings"
_CHECK: Final = "逐块核对存储的数据,平台可在运行 / check every piece of it, also while it runs"

_REBUILD: Final = (
    "用证据重建单独存放的数据,平台可在运行 / put back from evidence what was set aside as damaged"
)


def add_store(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    store = commands.add_parser("store", help=_STORE, description=_STORE)
    acts = store.add_subparsers(required=True, metavar="ACT")
    check = acts.add_parser("check", help=_CHECK, description=_CHECK)
    check.add_argument("config", type=Path, help="平台配置文件 / the collector's YAML file")
    check.add_argument("--json", action="store_true", help="每个问题一行 JSON / JSON lines")
    check.add_argument(
        "--language", choices=LANGUAGES, default="zh", help="提示语言 / language of messages"
    )
    check.set_defaults(command=_check)
    rebuild = acts.add_parser("rebuild", help=_REBUILD, description=_REBUILD)
    rebuild.add_argument("config", type=Path, help="平台配置文件 / the collector's YAML file")
    rebuild.add_argument(
        "--language", choices=LANGUAGES, default="zh", help="提示语言 / language of messages"
    )
    rebuild.set_defaults(command=_rebuild)


def _check(args: argparse.Namespace) -> int:
    from central.commands.store import check_store

    return check_store(args.config, args.language, as_json=args.json)


def _rebuild(args: argparse.Namespace) -> int:
    from central.commands.rebuild import rebuild_store

    return rebuild_store(args.config, args.language)
