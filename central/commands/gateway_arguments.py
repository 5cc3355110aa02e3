"""The arguments of `fengsui-central gateway ...`; the work is loaded when it is called."""

import argparse
from pathlib import Path

from protocols.texts import LANGUAGES

_VERBS = (
    ("code", "发入网码,附二维码 / make an enrolment code, with its QR code"),
    ("list", "列出入网码、密钥和暂停的启动 / list codes, keys and held starts"),
    ("approve", "按六位数字批准密钥,或放行暂停的启动 / approve a key by its six digits"),
    ("refuse", "拒绝等待的密钥或暂停的启动 / refuse what waits"),
    ("revoke", "吊销网关的全部密钥和令牌 / revoke every key and token of a gateway"),
)


def add_gateway(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs."""
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    made = {}
    for verb, purpose in _VERBS:
        made[verb] = verbs.add_parser(verb, help=purpose, description=purpose)
        made[verb].set_defaults(command=_gateway, verb=verb, gateway=None, answer=None)
        made[verb].add_argument(
            "config", type=Path, help="平台配置文件 / the collector's YAML file"
        )
        made[verb].add_argument(
            "gateway",
            nargs="?" if verb == "list" else None,
            help="网关名 / the gateway's name",
        )
        made[verb].add_argument(
            "--language", choices=LANGUAGES, default="zh", help="提示语言 / language of messages"
        )
    made["approve"].add_argument(
        "answer", help="现场读出的六位数字,或启动标识 / the six digits read out, or a held start"
    )
    made["refuse"].add_argument(
        "answer", nargs="?", help="暂停的启动标识 / a held start; by default the keys that wait"
    )
    _add_code(made["code"])


def _add_code(code: argparse.ArgumentParser) -> None:
    code.add_argument("--site", help="监测场所 / the site")
    code.add_argument("--url", help="网关访问平台的地址 / where gateways find the collector")
    code.add_argument("--png", type=Path, metavar="FILE", help="二维码图片 / write the QR code")
    code.add_argument("--order", metavar="NUMBER", help="工单号,免当班批准 / work order: approved")
    code.add_argument("--installer", help="安装人 / who installs it")
    code.add_argument(
        "--from", dest="opens", metavar="TIME", help="工单开始,如 2026-06-12T08:00+08:00"
    )
    code.add_argument("--to", dest="expires", metavar="TIME", help="工单结束 / end of the window")


def _gateway(args: argparse.Namespace) -> int:
    from central.commands.gateway import gateway

    return gateway(args)
