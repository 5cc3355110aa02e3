"""The examples of docs/api-readings.md do what the page says, against a collector process."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.collector import CollectorProcess

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "api-readings.md").read_text(encoding="utf-8")
EXAMPLES = {
    name: (language, code)
    for name, language, code in re.findall(
        r"<!-- example: ([\w-]+) -->\n```(\w+)\n(.*?)```", PAGE, re.DOTALL
    )
}
POINT = "acme-tanks/acme/tk-101/level"
PROJECT = """<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><OutputType>Exe</OutputType>
<TargetFramework>{framework}</TargetFramework><Nullable>enable</Nullable>
<ImplicitUsings>enable</ImplicitUsings></PropertyGroup></Project>"""


def made(collector, name, *more):
    """Run `fengsui-central virtual ...` beside the running collector."""
    return collector._central("virtual", name, str(collector._config), *more)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("examples")


@pytest.fixture(scope="module")
def collector(tmp_path_factory):
    with CollectorProcess(tmp_path_factory.mktemp("collector")) as running:
        yield running


@pytest.fixture(scope="module")
def token(collector):
    made(collector, "create", "acme", "--site", "acme-tanks", "--label", "示例企业DCS")
    return made(collector, "token", "acme", "--name", "DCS接口机").split()[-1]


@pytest.fixture(scope="module")
def environment(collector, token):
    url = f"http://127.0.0.1:{collector.port}"
    return {**os.environ, "FENGSUI_URL": url, "FENGSUI_TOKEN": token}


def run(command, folder, environment):
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def curl(name, folder, environment):
    language, code = EXAMPLES[name]
    assert language == "bash"
    return json.loads(run(["bash", "-euo", "pipefail", "-c", code], folder, environment))


@pytest.fixture(scope="module")
def described(folder, environment):
    if shutil.which("curl") is None or shutil.which("iconv") is None:
        pytest.skip("no curl or no iconv on this machine")
    return curl("describe", folder, environment)


def test_the_page_has_the_examples_it_promises():
    assert {name: language for name, (language, _) in EXAMPLES.items()} == {
        "describe": "bash",
        "columns": "bash",
        "rows": "bash",
        "csv": "bash",
        "python": "python",
        "csharp": "csharp",
    }


def test_points_are_described(described):
    assert (described["changed"], described["points"]) == (True, 3)


@pytest.mark.parametrize(("name", "count"), [("columns", 3), ("rows", 2), ("csv", 3)])
def test_curl_hands_in_readings(described, folder, environment, name, count):
    told = curl(name, folder, environment)
    assert (told["accepted"], told["quarantined"]) == (count, 0), told


def test_the_python_example_hands_in_readings(described, folder, environment):
    file = folder / "example.py"
    file.write_text(EXAMPLES["python"][1], encoding="utf-8")
    assert run([sys.executable, str(file)], folder, environment) == "2 0 0 []\n"


def test_what_was_handed_in_can_be_read(described, folder, environment, collector):
    curl("columns", folder, environment)
    latest = collector.door.ask("GET", "/api/v1/latest")["items"]
    assert POINT in {item["point"] for item in latest}


def test_the_c_sharp_example_compiles_or_reads_as_it_should(folder, environment, described):
    code = EXAMPLES["csharp"][1]
    for opening, closing in ("()", "[]", "{}"):
        assert code.count(opening) == code.count(closing)
    for said in ("/api/v1/readings", '"Idempotency-Key"', '"Bearer"', "columns", "RetryAfter"):
        assert said in code
    for point in re.findall(r"acme-tanks/[\w/-]+", code):
        assert point in PAGE.split("<!-- example: python -->")[0]
    dotnet = shutil.which("dotnet")
    if dotnet is None:
        pytest.skip("no dotnet on this machine: the C# example was checked as text only")
    version = run([dotnet, "--version"], folder, environment).split(".")[0]
    (folder / "example.csproj").write_text(PROJECT.format(framework=f"net{version}.0"))
    (folder / "Program.cs").write_text(code, encoding="utf-8")
    assert run([dotnet, "run"], folder, environment).strip() == "2 0"


def test_a_token_revoked_by_command_is_refused_at_once(collector, described, folder, environment):
    told = made(collector, "token", "acme")
    secret, number = told.split()[-1], re.search(r"[0-9a-f]{16}", told).group()
    code = EXAMPLES["python"][1]
    own = {**environment, "FENGSUI_TOKEN": secret}
    file = folder / "revoked.py"
    file.write_text(code, encoding="utf-8")
    assert run([sys.executable, str(file)], folder, own).endswith("[]\n")
    made(collector, "revoke", number)
    refused = subprocess.run(
        [sys.executable, str(file)], cwd=folder, env=own, capture_output=True, text=True
    )
    assert "HTTP Error 401" in refused.stderr
    listed = made(collector, "list")
    assert "acme-tanks" in listed
    assert [line for line in listed.splitlines() if number in line and "已停用" in line]
