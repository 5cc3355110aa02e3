"""What `fengsui-edge enrol` says to whom it cannot help; the good way is in tests/end_to_end."""

import pytest

from edge.commands import main

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
