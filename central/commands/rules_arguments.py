"""The arguments of `fengsui-central rules ...`; the work is loaded when it is called."""

import argparse
from pathlib import Path
from typing import Final

from protocols.texts import LANGUAGES

_RULES: Final = "报警规则,无需浏览器 / alarm rules, without a browser"
_VERBS: Final = (
    ("list", "列出规则:版本、几级生效 / list the rules: version, levels in force"),
    ("sets", "列出随附阈值集 / list the threshold sets that are offered"),
    ("check", "核对规则文件,逐行指出问题 / check a file of rules, fault by fault with its line"),
    ("import", "导入规则文件,平台可在运行 / bring a file of rules in, also while it runs"),
    ("export", "导出全部规则为 .xlsx 或 .yaml / write all rules as .xlsx or .yaml"),
    ("why", "点位按哪些规则报警,为什么 / which rules hold at a point, and why"),
)


def add_rules(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser("rules", help=_RULES, description=_RULES)
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    made = {}
    for verb, purpose in _VERBS:
        made[verb] = verbs.add_parser(verb, help=purpose, description=purpose)
        made[verb].set_defaults(command=_rules, verb=verb)
        made[verb].add_argument(
            "config", type=Path, help="平台配置文件 / the collector's YAML file"
        )
        made[verb].add_argument(
            "--language", choices=LANGUAGES, default="zh", help="提示语言 / language of messages"
        )
    for verb in ("check", "import", "export"):
        made[verb].add_argument("file", type=Path, help="规则文件 / the file of rules")
    for verb in ("check", "import"):
        made[verb].add_argument(
            "--ahead",
            action="store_true",
            help="网关还没接入:没有的位置不算错 / places that are not connected yet are no fault",
        )
        made[verb].add_argument(
            "--marked",
            type=Path,
            metavar="OUT",
            help="有问题时写出带说明的同一文件 / with faults, write the same file with remarks",
        )
        made[verb].add_argument(
            "--json", action="store_true", help="每个问题一行 JSON / JSON lines"
        )
    made["import"].add_argument(
        "--dry-run", action="store_true", help="只说明会改什么 / only say what would change"
    )
    made["list"].add_argument(
        "--domain", type=int, choices=range(1, 16), metavar="1-15", help="领域 / the domain"
    )
    made["why"].add_argument("point", help="点位 site/gateway/device/point / the point")


def _rules(args: argparse.Namespace) -> int:
    from central.commands.rules import rules

    return rules(args)
