"""One test over many files: it reads each once and names all that break the rule."""

import ast
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]


def every(files: Iterable[Path]) -> Callable[[Callable[[Path], None]], Callable[[], None]]:
    """Return what makes a test of one file a test of all `files`."""
    asked = list(files)
    assert asked

    def of_all(rule: Callable[[Path], None]) -> Callable[[], None]:
        def run() -> None:
            wrong = []
            for file in asked:
                try:
                    rule(file)
                except AssertionError as exc:
                    wrong.append(f"{name(file)}: {exc}")
            assert not wrong, "\n".join(wrong)

        run.__name__ = rule.__name__
        return run

    return of_all


def name(file: Path) -> str:
    """Return a file's name as the repository has it."""
    return file.relative_to(ROOT).as_posix()


@cache
def tree(file: Path) -> ast.Module:
    """Return a module's syntax."""
    return ast.parse(file.read_text(encoding="utf-8"))
