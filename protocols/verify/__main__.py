"""`python -m protocols.verify FOLDER --key KEY`: exit code 0 whole, 1 something found, 2 arguments.

KEY is a public key as text (`ed25519:...`) or a file that holds it; several may be given, for a
gateway whose key was replaced.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from protocols.errors import FengsuiError
from protocols.signing.keys import PublicKey
from protocols.texts import LANGUAGES, text
from protocols.verify.folder import verify_folder
from protocols.verify.report import as_json, sentences

KEY_BYTES: Final = 4_096


class KeyNotRead(FengsuiError):
    """What was given as a public key is none."""

    code = "VERIFY_KEY_FORM"


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify one folder and print what was found."""
    args = _parser().parse_args(arguments)
    try:
        keys = [_key(given) for given in args.key or ()]
    except FengsuiError as exc:
        print(text("VERIFY_KEY_FORM", exc.params, args.language), file=sys.stderr)
        return 2
    result = verify_folder(args.folder, keys, unsigned=args.unsigned)
    if args.json:
        gateway = result.index.gateway if result.index else None
        print(as_json(result.streams, result.findings, args.language, {"gateway": gateway}))
    else:
        for line in sentences(result.streams, result.findings, args.language):
            print(line)
    return 1 if result.findings.count else 0


def _key(given: str) -> PublicKey:
    if ":" in given and not Path(given).exists():
        return PublicKey.parse(given.strip())
    try:
        with Path(given).open("rb") as source:
            return PublicKey.parse(source.read(KEY_BYTES).decode("ascii", "replace").strip())
    except OSError as exc:
        raise KeyNotRead(reason=exc.strerror or type(exc).__name__) from exc


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m protocols.verify", description="核对证据包 / verify exported evidence"
    )
    parser.add_argument("folder", type=Path, help="证据包文件夹 / the exported folder")
    wanted = parser.add_mutually_exclusive_group(required=True)
    wanted.add_argument(
        "--key", action="append", help="网关公钥或其文件 / the gateway's public key, or its file"
    )
    wanted.add_argument(
        "--unsigned",
        action="store_true",
        help="不核对签名,只核对是否完整 / verify no signatures, only that all is whole",
    )
    parser.add_argument("--json", action="store_true", help="输出 JSON / print JSON")
    parser.add_argument("--language", choices=LANGUAGES, default="zh")
    return parser


if __name__ == "__main__":
    sys.exit(main())
