"""The library as a YAML file, and a file that came back: what is wrong stands at its line."""

from collections.abc import Sequence
from typing import Any, Final

import yaml

from protocols.errors import Problem
from protocols.problems import sentence
from protocols.schema.scalars import resolve
from protocols.schema.yaml_events import build
from protocols.schema.yaml_source import Source

NAME: Final = "rules.yaml"
MARK: Final = "# ✗ "
"""What a line begins with that says what is wrong with the next."""
HEAD: Final = """\
# 报警规则 · Alarm rules (docs/rules.md)
# 修改后可再导入：与平台相同的内容不变，缺少的不会删除。
# May be imported again: what is as it stands is left, and nothing that is missing is taken away.
"""
_WIDTH: Final = 10_000


class _Dumper(yaml.SafeDumper):
    """Quotes whatever our own reader would not take for the same text."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002
        super().increase_indent(flow, False)  # noqa: FBT003


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    plain = resolve(value) == (value, None)
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if plain else '"')


def _float(dumper: yaml.SafeDumper, value: float) -> yaml.ScalarNode:
    text = repr(value)
    if "e" in text:
        mantissa, _, exponent = text.partition("e")
        point = "" if "." in mantissa else ".0"
        sign = "" if exponent[0] in "+-" else "+"
        text = f"{mantissa}{point}e{sign}{exponent}"
    return dumper.represent_scalar("tag:yaml.org,2002:float", text)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(float, _float)


def write(document: dict[str, Any]) -> bytes:
    """Return the library as a file."""
    text = yaml.dump(
        document,
        Dumper=_Dumper,
        allow_unicode=True,
        sort_keys=False,
        default_flow_style=None,
        width=_WIDTH,
    )
    return (HEAD + text).encode()


def read(data: bytes) -> Source:
    """Return a file as read; what is no YAML is in its problems."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = data[: exc.start].count(b"\n") + 1
        problem = Problem("FILE_NOT_UTF8", NAME, line, "", {"byte": f"0x{data[exc.start]:02X}"})
        return Source(NAME, None, {}, (problem,), frozenset({()}))
    return build(NAME, _without_marks(text))


def marked(data: bytes, problems: Sequence[Problem], language: str) -> bytes:
    """Return the same file with what is wrong above the lines it is wrong in."""
    lines = _without_marks(data.decode("utf-8-sig", "replace")).splitlines()
    told: dict[int, list[str]] = {}
    for each in problems:
        where = f"{each.key}: " if each.key else ""
        told.setdefault(max(1, each.line), []).append(f"{where}{sentence(each, language)}")
    shown: list[str] = []
    for number, line in enumerate(lines or [""], 1):
        indent = line[: len(line) - len(line.lstrip())]
        shown += [f"{indent}{MARK}{' '.join(text.split())}" for text in told.get(number, ())]
        shown.append(line)
    return ("\n".join(shown) + "\n").encode()


def _without_marks(text: str) -> str:
    kept = [line for line in text.splitlines() if not line.lstrip().startswith(MARK.strip())]
    return "\n".join(kept) + "\n"
