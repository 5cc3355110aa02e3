"""One catalogue, two languages, the same codes and parameters; no sentence without a way out."""

import json
import re
import subprocess
import sys

import pytest

from protocols.quality import CLASS_MASK, Quality, is_bad, is_good, quality_class
from protocols.texts import FOLDER, LANGUAGES, catalogue, text

PARAMETER = re.compile(r"\{(\w+)")
AVOID = ("系统异常", "请稍后", "参数错误", "系统繁忙", "请知悉", "！", "抱歉", "亲")


def test_both_languages_hold_the_same_codes_and_parameters():
    zh, en = (catalogue(language) for language in LANGUAGES)
    assert set(zh) == set(en)
    for code in zh:
        assert set(PARAMETER.findall(zh[code])) == set(PARAMETER.findall(en[code])), code


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_code_stands_in_two_files(language):
    seen = {}
    for file in sorted((FOLDER / language).glob("*.json")):
        for code in json.loads(file.read_text(encoding="utf-8")):
            assert code not in seen, f"{code} in {file.name} and {seen[code]}"
            seen[code] = file.name


@pytest.mark.parametrize("code", sorted(catalogue("zh")))
def test_sentences_are_calm(code):
    assert not [word for word in AVOID if word in catalogue("zh")[code]]
    assert "!" not in catalogue("en")[code]


def test_a_process_that_can_open_no_file_says_the_code():
    program = (
        "import resource; from protocols.texts import text; "
        "resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3)); "
        "print(text('PORT_TAKEN', {'port': 80}))"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert said.stdout == "PORT_TAKEN(port=80)\n", said.stderr


def test_a_missing_code_or_parameter_is_shown_and_never_raises():
    assert text("NO_SUCH_CODE", {"a": 1}) == "NO_SUCH_CODE(a=1)"
    assert "{port}" in text("PORT_TAKEN", {})
    assert text("PORT_TAKEN", {"port": 80, "hint": 81}, "fr").startswith("端口 80")


@pytest.mark.parametrize("quality", list(Quality))
def test_every_quality_has_words(quality):
    assert f"QUALITY_{quality.name}" in catalogue("zh")


def test_quality_codes_are_those_of_opc_ua():
    from asyncua import ua

    names = {
        member: "".join(part.capitalize() for part in member.name.split("_")) for member in Quality
    }
    for member, name in names.items():
        assert getattr(ua.StatusCodes, name) == member, name


def test_the_class_is_the_top_two_bits():
    assert [quality_class(q) for q in (0, 0x40940000, 0x808C0000, CLASS_MASK)] == [
        "good", "uncertain", "bad", "bad",
    ]  # fmt: skip
    assert is_good(Quality.GOOD)
    assert not is_bad(Quality.UNCERTAIN)
    assert is_bad(Quality.BAD_TIMEOUT)
