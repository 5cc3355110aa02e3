"""The house's rules: edge -> protocols <- central, and no other arrow between the three."""

import ast
import subprocess
import sys

import pytest

from tests.every_file import ROOT, every, name, tree

ROOMS = ("protocols", "edge", "central")
FORBIDDEN = {"protocols": {"edge", "central"}, "edge": {"central"}, "central": {"edge"}}
ONLY_STDLIB = ("words", "errors", "quality", "clock", "profile", "device", "story")
AT_RUN_TIME_NEVER = {"numpy", "pydantic", "fastapi", "starlette", "httpx", "httpx2", "yaml"}
# Validation runs in a child process; nothing the running gateway loads imports these.
CHILD_ONLY = ("protocols/schema/", "edge/schema", "edge/check_child", "protocols/simulators/")
PURE = ("codec", "plan", "quality", "deadband", "condition", "state", "rule", "shapes", "stories")
CLIENT_LIBRARIES = {
    "pymodbus": "protocols/modbus",
    "asyncua": "protocols/opcua",
    "paho": "protocols/mqtt",
}


def modules(room):
    return sorted(p for p in (ROOT / room).rglob("*.py") if "node_modules" not in p.parts)


ALL = [module for room in ROOMS for module in modules(room)]


def imports(file):
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, node


@every(ALL)
def test_no_arrow_against_the_layers(file):
    room = file.relative_to(ROOT).parts[0]
    crossed = {module for module, _ in imports(file) if module.split(".")[0] in FORBIDDEN[room]}
    assert not crossed
    assert not [module for module, _ in imports(file) if module.split(".")[0] == "tests"]


@pytest.mark.parametrize("stem", ONLY_STDLIB)
def test_the_words_need_only_the_standard_library(stem):
    for module, _ in imports(ROOT / "protocols" / f"{stem}.py"):
        top = module.split(".")[0]
        assert top in sys.stdlib_module_names or top == "protocols", module


@every(modules("edge") + modules("protocols"))
def test_what_the_gateway_must_never_load(file):
    if name(file).startswith(CHILD_ONLY):
        return
    assert not {m for m, _ in imports(file) if m.split(".")[0] in AT_RUN_TIME_NEVER}


@every(ALL)
def test_each_field_library_has_one_home(file):
    for module, _ in imports(file):
        home = CLIENT_LIBRARIES.get(module.split(".")[0])
        assert home is None or name(file).startswith(home), f"{module} in {name(file)}"


@every([f for f in ALL if f.stem in PURE])
def test_pure_modules_have_no_loop_no_clock_no_log(file):
    waits = [n for n in ast.walk(tree(file)) if isinstance(n, ast.AsyncFunctionDef | ast.Await)]
    assert not waits
    named = {module for module, _ in imports(file)}
    assert not named & {"asyncio", "logging", "time", "threading", "socket"}


@every(modules("central/api"))
def test_the_api_holds_no_sql(file):
    text = file.read_text(encoding="utf-8")
    assert "sqlite3" not in {module for module, _ in imports(file)}
    assert not [word for word in ("SELECT ", "INSERT ", "UPDATE ", "DELETE FROM") if word in text]


@pytest.mark.parametrize(
    "module", ["edge.__main__", "edge.commands", "edge.gateway", "protocols.driver"]
)
def test_importing_the_gateway_loads_none_of_them(module):
    code = f"import sys, {module}; print(*sorted(m.split('.')[0] for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & (AT_RUN_TIME_NEVER | {"asyncua", "pymodbus", "cel", "cryptography", "nacl"})
