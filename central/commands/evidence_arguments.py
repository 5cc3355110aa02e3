"""The arguments of `fengsui-central verify` and `fengsui-central evidence export`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from protocols.texts import LANGUAGES

if TYPE_CHECKING:
    from central.commands.evidence import Asked

_VERIFY: Final = "核对证据链和已存数据 / verify the chains of evidence and what is stored"
_EVIDENCE: Final = "导出证据包 / hand out evidence as a folder that proves itself"


def add_evidence(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add both commands."""
    verify = commands.add_parser("verify", help=_VERIFY, description=_VERIFY)
    _about(verify)
    verify.add_argument("--json", action="store_true", help="输出 JSON / print JSON")
    verify.set_defaults(command=_verify)
    evidence = commands.add_parser("evidence", help=_EVIDENCE, description=_EVIDENCE)
    acts = evidence.add_subparsers(required=True, metavar="ACT")
    export = acts.add_parser("export", help=_EVIDENCE, description=_EVIDENCE)
    _about(export)
    export.add_argument(
        "folder", type=Path, help="新文件夹,不能已存在 / the folder to make; must not exist"
    )
    export.set_defaults(command=_export)


def _about(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", type=Path, help="平台配置文件 / the collector's YAML file")
    parser.add_argument("--gateway", required=True, help="网关名 / the gateway's name")
    parser.add_argument("--from", dest="start", help="测量时间从 / measured from, as 2026-06-12")
    parser.add_argument("--to", dest="end", help="到此为止,不含 / up to, not included")
    parser.add_argument(
        "--language", choices=LANGUAGES, default="zh", help="提示语言 / language of messages"
    )


def _verify(args: argparse.Namespace) -> int:
    from central.commands.evidence import verify_evidence

    return verify_evidence(_asked(args), as_json_object=args.json)


def _export(args: argparse.Namespace) -> int:
    from central.commands.evidence import export_evidence

    return export_evidence(_asked(args), args.folder)


def _asked(args: argparse.Namespace) -> "Asked":
    from central.commands.evidence import Asked

    return Asked(
        config=args.config,
        gateway=args.gateway,
        start=args.start,
        end=args.end,
        language=args.language,
    )
