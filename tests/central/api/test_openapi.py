import json
from pathlib import Path

import jsonschema

from central.api import openapi

FILE = Path(__file__).resolve().parents[3] / "docs" / "openapi.json"


def test_the_committed_document_is_current():
    assert FILE.read_text(encoding="utf-8") == openapi.text(), (
        "run: python -m central.api.openapi > docs/openapi.json"
    )


def test_every_answer_has_a_model():
    for path, operations in openapi.document()["paths"].items():
        for method, operation in operations.items():
            answers = operation["responses"]
            done = next(answers[status] for status in answers if status.startswith("2"))
            content = done.get("content", {})
            if path.startswith("/api/v1/ingest/") or "204" in answers:
                continue
            if path in ("/metrics", "/api/v1/export", "/api/v1/rule-file"):
                continue
            media = content.get("application/json") or content.get("text/event-stream")
            assert media["schema" if "application/json" in content else "itemSchema"], path
            assert all(kind["schema"] for kind in answers["401"]["content"].values()), (
                method,
                path,
            )


def test_the_bodies_of_the_stream_are_described():
    named = {model.__name__ for model in openapi.STREAMED.values()}
    assert named <= set(openapi.document()["components"]["schemas"])


PATHS = [
    "/api/v1/session",
    "/api/v1/overview",
    "/api/v1/gateways",
    "/api/v1/points",
    "/api/v1/latest",
    "/api/v1/alarms",
    "/api/v1/alarms/{alarm}",
    "/api/v1/events",
    "/api/v1/tokens",
    "/api/v1/audit",
    "/api/v1/demo",
    "/api/v1/store/keeping",
    "/api/v1/store/removed",
    "/api/v1/points/{site}/{gateway}/{device}/{point}/readings",
    "/api/v1/points/{site}/{gateway}/{device}/{point}/buckets",
]


async def test_answers_are_as_the_document_says(client, people):
    headers = await people.session("administrator")
    for path in PATHS:
        await check_answer(client, headers, path)


async def check_answer(client, headers, path):
    document = json.loads(FILE.read_text(encoding="utf-8"))
    answer = document["paths"][path]["get"]["responses"]["200"]
    schema = {
        **answer["content"]["application/json"]["schema"],
        "components": document["components"],
    }
    names = {"site": "qingyun", "gateway": "gw-qingyun", "device": "device", "point": "level"}
    url = path.format(**names, alarm="alarm-qingyun")
    span = {"from": "2026-06-12T22:00:00+08:00", "to": "2026-06-12T23:00:00+08:00"}
    query = span if "point}" in path else None
    found = await client.get(url, headers=headers, params=query)
    assert found.status_code == 200
    jsonschema.validate(found.json(), schema)
