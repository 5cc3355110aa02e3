"""The arguments of `fengsui-central virtual ...`; the work is loaded when it is called."""

import argparse
from pathlib import Path

from protocols.texts import LANGUAGES

_VERBS = (
    ("create", "建立虚拟网关 / make a virtual gateway"),
    ("list", "列出虚拟网关 / list the virtual gateways"),
    ("token", "发令牌,只显示一次 / make a token, shown once"),
    ("revoke", "停用令牌 / revoke a token"),
)


def add_virtual(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs."""
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    made = {}
    for verb, purpose in _VERBS:
        made[verb] = verbs.add_parser(verb, help=purpose, description=purpose)
        made[verb].set_defaults(command=_virtual, verb=verb)
        made[verb].add_argument(
            "config", type=Path, help="平台配置文件 / the collector's YAML file"
        )
        made[verb].add_argument(
            "--language", choices=LANGUAGES, default="zh", help="提示语言 / language of messages"
        )
    for verb in ("create", "token"):
        made[verb].add_argument("gateway", help="虚拟网关名 / the virtual gateway's name")
    _add_create(made["create"])
    _add_token(made["token"])
    made["revoke"].add_argument("token", help="令牌编号 / the token's id")


def _add_create(create: argparse.ArgumentParser) -> None:
    create.add_argument(
        "--site",
        action="append",
        required=True,
        help="可登记的场所,可重复 / a site it may describe; may be repeated",
    )
    create.add_argument("--label", help="名称 / a name for people")
    create.add_argument(
        "--offline-after",
        type=int,
        default=300,
        metavar="SECONDS",
        help="静默多久算离线 / silence after which it is offline",
    )


def _add_token(token: argparse.ArgumentParser) -> None:
    token.add_argument("--name", help="令牌名称 / what the token is called")
    token.add_argument("--readings-per-minute", type=int, default=60_000, metavar="N")
    token.add_argument("--requests-per-minute", type=int, default=600, metavar="N")


def _virtual(args: argparse.Namespace) -> int:
    from central.commands.virtual import virtual

    return virtual(args)
