"""Loads a gateway's configuration through a child process, and `fengsui-edge check`.

The gateway never loads the validator's libraries: a child reads and validates the file and hands
over frozen structs, or every problem with its line. A child that dies is a ConfigError too.
"""

import argparse
import os
import pickle
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from edge.config import EdgeConfig
from protocols.errors import ConfigError, Problem
from protocols.problems import lines
from protocols.profile import Profile
from protocols.texts import LANGUAGES, text

CHILD: Final = "edge.check_child"

PATIENCE: Final = 120.0
"""Real seconds for the child: the largest configuration takes seconds on the slowest gateway."""

ROOT: Final = Path(__file__).resolve().parents[1]


def load_config(path: Path) -> EdgeConfig:
    """Return the configuration in `path`. Raises ConfigError with every problem; nothing else."""
    return Checking(path).config()


class Checking:
    """The child at work on a file from now on: whoever asks may load what it needs meanwhile."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._error: OSError | None = None
        command = [sys.executable, "-m", CHILD, str(path)]
        parts = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(parts), "PYTHONSAFEPATH": "1"}
        try:
            self._child = subprocess.Popen(  # noqa: S603  # our own module, the path is an argument
                command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
            )
        except OSError as exc:
            self._error = exc

    def config(self) -> EdgeConfig:
        """Wait for it. Raises ConfigError with every problem; nothing else. Call it once."""
        kind, found = self.outcome()
        if kind != "edge":
            raise ConfigError([Problem("NOT_EDGE", str(self._path), 0, "")])
        config: EdgeConfig = found
        return config

    def outcome(self) -> tuple[str, Any]:
        """Return what was found: `edge` or `profile` and the struct. Raises ConfigError."""
        path = self._path
        if self._error is not None:
            raise _failed(path, "CHECK_FAILED", reason=str(self._error)) from self._error
        with self._child as child:
            try:
                told, errors = child.communicate(timeout=PATIENCE)
            except subprocess.TimeoutExpired as exc:
                child.kill()
                raise _failed(path, "CHECK_TIMEOUT", seconds=int(PATIENCE)) from exc
            except BaseException:
                child.kill()
                raise
        if child.returncode != 0:
            last = errors.decode(errors="replace").strip().splitlines()[-1:]
            raise _failed(path, "CHECK_FAILED", reason=last[0] if last else str(child.returncode))
        try:
            kind, found = pickle.loads(told)  # noqa: S301  # from our own child
        except (pickle.UnpicklingError, EOFError, ValueError, TypeError) as exc:
            raise _failed(path, "CHECK_FAILED", reason=type(exc).__name__) from exc
        if kind == "problems":
            raise ConfigError(found)
        return str(kind), found


def _failed(path: Path, code: str, **params: str | int) -> ConfigError:
    return ConfigError([Problem(code, str(path), 0, "", params)])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `fengsui-edge check` takes."""
    parser.add_argument("file", type=Path, help="网关配置或设备模板 / configuration or profile")
    parser.add_argument("--json", action="store_true", help="每个问题一行 JSON / JSON lines")
    parser.add_argument("--language", choices=LANGUAGES, default="zh", help="提示语言 / language")


def check_command(args: argparse.Namespace) -> int:
    """Check a file; print every problem or one line of praise. Returns the exit code: 0 or 1."""
    try:
        kind, found = Checking(args.file).outcome()
    except ConfigError as exc:
        print_problems(exc.problems, args.language, as_json=args.json)
        return 1
    if not args.json:
        print(_summary(args.file, kind, found, args.language))
    return 0


def print_problems(problems: Iterable[Problem], language: str, *, as_json: bool) -> None:
    """Print each problem on its own line of standard output, as text or as JSON."""
    for line in lines(problems, language, json_lines=as_json):
        print(line)


def _summary(file: Path, kind: str, found: EdgeConfig | Profile, language: str) -> str:
    if isinstance(found, Profile):
        return text("CHECK_PROFILE", {"file": str(file), "points": len(found.points)}, language)
    devices = [device for bus in found.buses for device in bus.devices]
    points = [point for device in devices for point in device.points]
    return text(
        "CHECK_EDGE",
        {
            "file": str(file),
            "gateway": found.gateway,
            "buses": len(found.buses),
            "devices": len(devices),
            "points": len(points),
            "offered": sum(1 for p in points for level in p.limits if not level.active),
        },
        language,
    )
