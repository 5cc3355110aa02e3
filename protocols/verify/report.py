"""What was verified, in sentences for people or as JSON for programs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Final

from protocols.texts import text
from protocols.verify.model import OPENING, Finding, Findings, Proved
from protocols.words import Value

BY_KEY: Final = frozenset({"VERIFY_KEY", "VERIFY_KEYS"})
"""Findings whose `reason` says why a key does not count."""


def sentences(streams: Sequence[Proved], findings: Findings, language: str) -> Iterator[str]:
    """Yield what holds of each stream, then every finding, then the verdict."""
    for proved in streams:
        yield from _stream(proved, language)
    if not streams:
        yield text("EVIDENCE_NO_STREAMS", {}, language)
    if streams or findings.count:
        yield from found(findings, language)
    else:
        yield text("EVIDENCE_NOTHING", {}, language)


def found(findings: Findings, language: str) -> Iterator[str]:
    """Yield every finding, then the verdict. Signatures by one key that does not count are one."""
    for same, group in groupby(findings.said, _by_key):
        first, *more = group
        if same is None or not more:
            yield from (sentence(finding, language) for finding in (first, *more))
        else:
            count = 1 + len(more)
            named = Finding(
                "VERIFY_KEYS", first.stream, first.seq, {**first.params, "count": count}
            )
            yield sentence(named, language)
    if findings.count > len(findings.said):
        yield text("EVIDENCE_MORE", {"count": findings.count - len(findings.said)}, language)
    code = "EVIDENCE_DAMAGED" if findings.count else "EVIDENCE_WHOLE"
    yield text(code, {"count": findings.count}, language)


def as_json(
    streams: Sequence[Proved],
    findings: Findings,
    language: str,
    more: Mapping[str, Value],
) -> str:
    """Return one JSON object; `whole` is the verdict."""
    told = {
        "whole": not findings.count,
        "count": findings.count,
        "findings": [
            {
                "code": finding.code,
                "stream": finding.stream,
                "seq": finding.seq,
                "params": dict(finding.params),
                "message": sentence(finding, language),
            }
            for finding in findings.said
        ],
        "streams": [asdict(proved) for proved in streams],
        **more,
    }
    return json.dumps(told, ensure_ascii=False)


def sentence(finding: Finding, language: str) -> str:
    """Return what was found."""
    params: dict[str, Value] = {"stream": finding.stream, "seq": finding.seq, **finding.params}
    if finding.code in BY_KEY:
        params["reason"] = text(f"VERIFY_KEY_{finding.params['reason']}".upper(), {}, language)
    return text(finding.code, params, language)


def _by_key(finding: Finding) -> tuple[str, Value, Value] | None:
    if finding.code not in BY_KEY:
        return None
    return finding.stream, finding.params["keyid"], finding.params["reason"]


def _stream(proved: Proved, language: str) -> Iterator[str]:
    params: dict[str, Value] = {
        "stream": proved.stream,
        "first": proved.first,
        "last": proved.last,
        "batches": proved.batches,
        "items": proved.items,
        "bytes": proved.bytes,
        "signed": proved.signed,
        "signatures": proved.signatures,
    }
    yield text("EVIDENCE_STREAM", params, language)
    begin = "EVIDENCE_FROM_OPENING" if proved.start == OPENING else "EVIDENCE_FROM_EDGE"
    yield text(begin, params, language)
    for reason, count in sorted(proved.skipped.items()):
        yield text("EVIDENCE_SKIPPED", {"reason": reason, "count": count}, language)
    if proved.recovered:
        back: dict[str, Value] = {"count": proved.recovered, "unproved": proved.unproved}
        yield text("EVIDENCE_RECOVERED", back, language)
    if proved.signed < proved.last:
        first = max(proved.signed + 1, proved.first)
        yield text("EVIDENCE_UNSIGNED", {"first": first, "last": proved.last}, language)
