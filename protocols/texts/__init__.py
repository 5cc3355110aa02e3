"""The one catalogue of sentences: code and parameters in, a sentence in Chinese or English out.

One JSON file per area and language, `{code: sentence with {parameters}}`; Chinese is the source. A
missing code or parameter never raises, nor does a process that can open no file: the code and its
parameters are shown instead.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from protocols.words import Value

FOLDER: Final = Path(__file__).resolve().parent
LANGUAGES: Final = ("zh", "en")


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """Return every sentence of `language` (`zh` or `en`) by its code."""
    sentences: dict[str, str] = {}
    for file in sorted((FOLDER / language).glob("*.json")):
        sentences.update(json.loads(file.read_text(encoding="utf-8")))
    return sentences


class _Shown(dict[str, Value]):
    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def text(code: str, params: Mapping[str, Value], language: str = "zh") -> str:
    """Return the sentence of `code` with `params` filled in."""
    try:
        sentence = catalogue(language if language in LANGUAGES else "zh").get(code)
    except OSError:  # out of descriptors, for one: saying so must not end a process
        sentence = None
    if sentence is None:
        details = ", ".join(f"{key}={value}" for key, value in params.items())
        return f"{code}({details})"
    if "{" not in sentence and "}" not in sentence:
        return sentence
    cause = params.get("cause")
    if isinstance(cause, str):  # a sentence of its own stands where the reason would
        own = {key: value for key, value in params.items() if key != "cause"}
        params = {**params, "reason": text(cause, own, language).rstrip("。.")}
    return sentence.format_map(_Shown(params))
