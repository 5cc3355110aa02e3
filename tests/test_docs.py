"""What the documents say exists: commands, files, functions, figures of the specification."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
READMES = ["README.md", "README.en.md"]
MODULES = {
    "fengsui-edge": "edge",
    "fengsui-central": "central",
    "fengsui-sim": "protocols.simulators",
}
HOP = re.compile(r"^\| (\d) \| .*?`([\w./]+\.py)` `([\w.]+)`", re.MULTILINE)
LINK = re.compile(r"\]\((?!http)([^)#]+)")


def verbs(command):
    """Return the verbs `command --help` offers."""
    done = subprocess.run(
        [sys.executable, "-m", MODULES[command], "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(re.findall(r"^    ([a-z][\w-]*)(?:\s|$)", done.stdout, re.MULTILINE))


@pytest.mark.parametrize("readme", READMES)
@pytest.mark.parametrize("command", MODULES)
def test_every_command_is_documented_and_every_documented_command_exists(readme, command):
    told = set(re.findall(rf"`{command} ([\w-]+)", (ROOT / readme).read_text(encoding="utf-8")))
    assert told == verbs(command)


@pytest.mark.parametrize("readme", READMES)
def test_every_make_target_is_documented(readme):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE).group(1).split())
    told = set(re.findall(r"(?<!git )make (\w+)", (ROOT / readme).read_text(encoding="utf-8")))
    assert targets <= told, targets - told
    assert told <= targets, told - targets


def test_the_first_line_of_the_readme_names_what_to_install():
    for readme in READMES:
        first = (ROOT / readme).read_text(encoding="utf-8").splitlines()[0]
        assert "apt-get install -y git make python3-venv" in first


@pytest.mark.parametrize("document", [*READMES, "ARCHITECTURE.md"])
def test_links_lead_somewhere(document):
    for target in LINK.findall((ROOT / document).read_text(encoding="utf-8")):
        assert (ROOT / target).exists(), target


def test_the_eight_hops_are_eight_named_functions_in_order():
    hops = HOP.findall((ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8"))
    assert [number for number, _, _ in hops] == list("12345678")
    for _, file, function in hops:
        assert (ROOT / file).is_file(), file
        thing = importlib.import_module(file.removesuffix(".py").replace("/", "."))
        for part in function.split("."):
            thing = getattr(thing, part)
        assert callable(thing)
        assert thing.__doc__, f"{function} does not say what it promises"


def test_no_registry_address_and_no_absolute_path_is_committed():
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    hosts = re.compile("|".join(["python" + "hosted", r"reg" + r"istry\.npm", "py" + r"pi\.org"]))
    for name in filter(None, tracked):
        file = ROOT / name
        if (
            file.suffix in {".bin", ".png", ".ico", ".svg", ".deflate", ".zst"}
            or not file.is_file()
        ):
            continue
        found = hosts.search(file.read_text(encoding="utf-8", errors="replace"))
        assert not found, f"{name}: {found.group(0)}"
