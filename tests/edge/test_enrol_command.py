"""What `fengsui-edge enrol` says to whom it cannot help; the good way is in tests/end_to_end."""

import pytest

from edge.commands import main
from edge.identity import Identity
from protocols.signing.keys import PublicKey
from tests.edge.test_enrolment import CODE, Collector

CONFIG = """\
format: v1
gateway: {name: gw-1, label: {zh: 网关}, site: s1}
collector: {url: "https://127.0.0.1:9"}
buffer: {folder: buffer}
sites:
  - {name: s1, label: {zh: 油库}, region: "441502", domain: hazardous_chemicals}
buses:
  - name: tank-farm
    protocol: modbus
    transport: tcp
    host: 127.0.0.1
    port: 502
    devices:
      - {name: tk-101, profile: example/tankfarm-modbus, device_id: 1}
"""


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "edge.yaml"
    file.write_text(CONFIG, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "没有入网码"),
        (("K7QF-3M9X",), "入网码是 10 个字母和数字"),
        (("K7QF-3M9X-PD", "--url", "ftp://a"), "不是平台的入网二维码"),
        (("K7QF-3M9X-PD", "--url", "http://192.0.2.1"), "明文 HTTP"),
        (("K7QF-3M9X-PD", "--url", "http://127.0.0.1.example.org"), "明文 HTTP"),
        (("FENGSUI1|https://a|-",), "不是平台的入网二维码"),
        (("K7QF-3M9X-PD",), "连不上平台 https://127.0.0.1:9"),
        (("K7QF-3M9X-PD", "--language", "en"), "cannot be reached"),
    ],
)
def test_one_sentence_and_no_traceback(file, capsys, arguments, sentence):
    assert main(["enrol", str(file), *arguments]) == 1
    said = capsys.readouterr()
    assert sentence in said.err, said
    assert "Traceback" not in said.err


def test_a_configuration_without_a_token_is_good(file, capsys):
    assert main(["check", str(file)]) == 0


@pytest.mark.parametrize(
    ("site", "sentence"),
    [
        ("s1", "入网码指定的场所：s1，与本机配置一致"),
        ("s9", "入网码是为场所 s9 开的，而本机配置的是 s1"),
        (None, "本机配置为场所 s1"),
    ],
)
def test_where_the_code_says_one_stands_is_shown_and_not_asked(file, capsys, site, sentence):
    collector = Collector()
    collector.site, collector.state = site, "active"
    try:
        assert main(["enrol", str(file), CODE, "--url", collector.url]) == 0
    finally:
        collector.close()
    said = capsys.readouterr().out
    assert sentence in said
    assert said.index(sentence) < said.index("入网成功")
    assert "校验数字" not in said, "nobody waits for them: a work order approved before"
    assert f"入网用的地址是 {collector.url}，配置里的 collector.url 是 https://127.0.0.1:9" in said


def test_the_public_key_is_shown_and_nothing_else_goes_to_standard_output(file, capsys):
    assert main(["key", str(file)]) == 1
    assert "还没有入网" in capsys.readouterr().err
    identity = Identity(file.parent / "identity")
    identity.keep(made := identity.make())
    identity.approved()
    assert main(["key", str(file)]) == 0
    said = capsys.readouterr()
    assert PublicKey.parse(said.out.strip()).keyid == made.keyid
    assert f"密钥编号 {made.keyid}" in said.err
