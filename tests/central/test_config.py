"""The collector's file: one that loads, and every mistake named with its line."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from central.config import load_config, schema
from central.guard.settings import Limits
from central.rules.threshold_sets import shipped
from protocols.errors import ConfigError
from protocols.schema.editors import FOLDER
from protocols.texts import text

EXAMPLE = Path(__file__).resolve().parents[2] / "config" / "central.example.yaml"


def problems(tmp_path, content):
    file = tmp_path / "central.yaml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load_config(file)
    found = refused.value.problems
    for problem in found:
        for language in ("zh", "en"):
            sentence = text(problem.code, dict(problem.params) | {"allowed": "x"}, language)
            assert problem.code not in sentence, f"no sentence for {problem.code}"
    return [(problem.code, problem.line, problem.key) for problem in found]


def test_the_example_loads():
    config = load_config(EXAMPLE)
    assert config.database == EXAMPLE.parent / "var" / "collector.db"
    assert (config.host, config.port, config.cables) == ("127.0.0.1", 8000, None)


def test_little_is_needed(tmp_path):
    file = tmp_path / "central.yaml"
    file.write_text("format: v1\ndatabase: a.db\ndemo: {cables: {gw: 'http://127.0.0.1:9/'}}\n")
    config = load_config(file)
    assert config.database == tmp_path / "a.db"
    assert config.cables == (("gw", "http://127.0.0.1:9/"),)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", [("FILE_EMPTY", 0, "")]),
        ("- a\n", [("TYPE_MAPPING", 1, "")]),
        ("null\n", [("TYPE_MAPPING", 1, "")]),
        ("format: v1\n", [("KEY_MISSING", 1, "database")]),
        ("format: v2\ndatabase: a.db\n", [("VALUE_CHOICE", 1, "format")]),
        ("format: v1\ndatabase: 7\n", [("TYPE_TEXT", 2, "database")]),
        ("format: v1\ndatabse: a\ndatabase: b\n", [("KEY_UNKNOWN_NEAR", 2, "databse")]),
        (
            "format: v1\ndatabase: a\nlisten:\n  port: 70000\n",
            [("NUMBER_RANGE", 4, "listen.port")],
        ),
        (
            "format: v1\ndatabase: a\nlisten:\n  host: 0.0.0.0\n",
            [("LISTEN_PLAIN_HTTP", 4, "listen.host")],
        ),
        (
            "format: v1\ndatabase: a\nlisten:\n  url: https://a.b/c\n",
            [("LISTEN_URL", 4, "listen.url")],
        ),
        (
            "format: v1\ndatabase: a\nlisten:\n  tls: own\n  url: http://a.b:8000/\n",
            [("LISTEN_URL_PLAIN", 5, "listen.url")],
        ),
        (
            "format: v1\ndatabase: a\ndemo:\n  cables:\n    gw: https://far.away/\n",
            [("CABLE_URL", 5, "demo.cables.gw")],
        ),
        (
            "format: v1\ndatabase: d/a\nbackup:\n  folder: d\n  every: 1w\n  keep: 0\n",
            [
                ("BACKUP_IN_DATA", 4, "backup.folder"),
                ("EVERY_FORMAT", 5, "backup.every"),
                ("NUMBER_RANGE", 6, "backup.keep"),
            ],
        ),
        (
            "format: v1\ndatabase: d/a\nbackup:\n  folder: d/e/f\n  every: 5m\n",
            [("BACKUP_IN_DATA", 4, "backup.folder"), ("EVERY_RANGE", 5, "backup.every")],
        ),
        ("format: v1\ndatabase: d/a\nbackup: {every: 1h}\n", [("KEY_MISSING", 3, "backup.folder")]),
        (
            "format: v1\ndatabase: d/a\nbackup: {folder: b, every: off}\n",
            [("YAML_YES_NO", 3, "backup.every")],
        ),
        (
            "format: v1\ndatabase: a\nguards:\n  gateway_requests: 0\n  trusted_proxies:\n"
            "    - 10.0.0.5/8\n    - proxy.example.cn\n    - 0.0.0.0/0\n",
            [
                ("NUMBER_RANGE", 4, "guards.gateway_requests"),
                ("PROXY_FORMAT", 6, "guards.trusted_proxies[0]"),
                ("PROXY_FORMAT", 7, "guards.trusted_proxies[1]"),
                ("PROXY_EVERYBODY", 8, "guards.trusted_proxies[2]"),
            ],
        ),
        (
            "format: v1\ndatabase: a\nalarms: {operators: 0}\n",
            [("NUMBER_RANGE", 3, "alarms.operators")],
        ),
        (
            "format: v1\ndatabase: a\nrules:\n  threshold_sets: nowhere\n",
            [("FOLDER_MISSING", 4, "rules.threshold_sets")],
        ),
        (
            "format: v1\nlisten:\n  host: 0.0.0.0\n  port: many\n",
            [
                ("KEY_MISSING", 1, "database"),
                ("LISTEN_PLAIN_HTTP", 3, "listen.host"),
                ("TYPE_INTEGER", 4, "listen.port"),
            ],
        ),
    ],
)
def test_mistakes_are_named(tmp_path, content, expected):
    assert problems(tmp_path, content) == expected


def test_a_backup_target_has_sensible_defaults(tmp_path):
    file = tmp_path / "central.yaml"
    file.write_text("format: v1\ndatabase: d/a.db\nbackup: {folder: b}\n")
    target = load_config(file).backup
    assert (target.folder, target.every, target.keep) == (tmp_path / "b", 86_400_000_000, 7)
    file.write_text("format: v1\ndatabase: d/a.db\nbackup: {folder: /b, every: manual, keep: 2}\n")
    target = load_config(file).backup
    assert (target.folder, target.every, target.keep) == (Path("/b"), None, 2)


def test_plain_http_to_the_world_must_be_asked_for(tmp_path):
    file = tmp_path / "central.yaml"
    file.write_text(
        "format: v1\ndatabase: a\nlisten: {host: 0.0.0.0, port: 0, allow_plain_http: true}\n"
    )
    assert load_config(file).allow_plain_http


def test_the_address_for_gateways_is_kept_without_its_slash(tmp_path):
    file = tmp_path / "central.yaml"
    file.write_text("format: v1\ndatabase: a\nlisten: {tls: own, url: 'https://a.b:8443/'}\n")
    assert load_config(file).url == "https://a.b:8443"


def test_the_schema_for_editors_is_current():
    assert (FOLDER / "central-v1.schema.json").read_text(encoding="utf-8") == schema()


def test_guards_have_sensible_defaults_and_can_be_said(tmp_path):
    file = tmp_path / "central.yaml"
    file.write_text("format: v1\ndatabase: d/a.db\n")
    assert load_config(file).guards == Limits()
    file.write_text(
        "format: v1\ndatabase: d/a.db\nguards: {gateway_requests: 900, person_requests: 50,\n"
        "  address_requests: 500, address_connections: 64, trusted_proxies: [10.1.0.7]}\n"
    )
    assert load_config(file).guards == Limits(
        gateway_requests=900,
        person_requests=50,
        address_requests=500,
        address_connections=64,
        trusted_proxies=(ip_network("10.1.0.7"),),
    )


def test_who_is_on_duty_and_which_sets_are_offered_can_be_said(tmp_path):
    file = tmp_path / "central.yaml"
    file.write_text("format: v1\ndatabase: a\n")
    assert load_config(file).alarms.operators == 1
    assert load_config(file).threshold_sets == shipped()
    file.write_text(
        "format: v1\ndatabase: a\nalarms: {operators: 3}\nrules: {threshold_sets: none}\n"
    )
    assert load_config(file).alarms.operators == 3
    assert load_config(file).threshold_sets is None
    (tmp_path / "sets").mkdir()
    file.write_text("format: v1\ndatabase: a\nrules: {threshold_sets: sets}\n")
    assert load_config(file).threshold_sets == tmp_path / "sets"
    (tmp_path / "sets" / "01.yaml").write_text("threshold_set: own\nversion: one\n")
    with pytest.raises(ConfigError) as refused:
        load_config(file)
    found = [(Path(each.file).name, each.line, each.key) for each in refused.value.problems]
    assert ("01.yaml", 2, "version") in found
