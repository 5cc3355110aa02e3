"""The way past the framework answers as the framework's own does, whatever is asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.api.quick_pages import page_asked

QINGYUN = "/api/v1/points/qingyun/gw-qingyun/device/level/readings"
ELSEWHERE = "/api/v1/points/honghaiwan/gw-honghaiwan/device/level/readings"
FROM, TO = "2026-06-12T22:00:00%2B08:00", "2026-06-12T14:00:20.5Z"
SPAN = f"from={FROM}&to={TO}"


def asked(path, query):
    return page_asked({"path": path, "query_string": query.encode()})


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        (QINGYUN, SPAN, 200),
        (QINGYUN, f"from=2026-06-12T22:00:00+08:00&to={TO}", 200),
        (QINGYUN, f"{SPAN}&cursor=1781272803000000.1.1781272803000000", 200),
        (QINGYUN, f"{SPAN}&cursor=theirs", 422),
        (ELSEWHERE, SPAN, 404),
        (QINGYUN.replace("level", "nothing"), SPAN, 404),
    ],
)
async def test_both_ways_answer_alike(client, people, path, query, status):
    headers = await people.session("viewer", name="scoped", scope=("qingyun",))
    quick, slow = f"{query}&limit=4", f"{query}&limit=04"
    assert asked(path, quick) is not None
    assert asked(path, slow) is None
    answers = [await client.get(f"{path}?{q}", headers=headers) for q in (quick, slow)]
    first, second = answers
    assert (first.status_code, second.status_code) == (status, status)
    bodies = [answer.json() for answer in answers]
    shown = [dict(answer.headers) for answer in answers]
    for held in (*bodies, *shown):
        held.pop("request", None)
        held.pop("x-request-id", None)
    assert bodies[0] == bodies[1]
    assert shown[0] == shown[1]


@pytest.mark.parametrize("headers", [{}, {"Cookie": "fengsui_session=none"}])
async def test_a_stranger_is_turned_away_alike(client, headers):
    answer = await client.get(f"{QINGYUN}?{SPAN}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")
    assert answer.headers["x-frame-options"] == "DENY"


async def test_who_may_not_read_is_told_so(client, people):
    headers = await people.token("gateway", gateway="gw-qingyun")
    answer = await client.get(f"{QINGYUN}?{SPAN}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")


@pytest.mark.parametrize(
    "query",
    [
        "",
        f"from={FROM}",
        f"{SPAN}&from={FROM}",
        f"{SPAN}&more=1",
        f"{SPAN}&limit=0",
        f"{SPAN}&limit=50001",
        f"from=2026-06-12T22:00:00&to={TO}",
        f"from=2026-02-30T22:00:00Z&to={TO}",
        f"from={TO}&to={FROM}",
        f"from=0001-01-01T00:00:00Z&to={TO}",
        f"{SPAN}&cursor={'9' * 129}",
        f"from={FROM}&to",
    ],
)
async def test_what_is_wrong_is_left_to_the_framework(query):
    assert asked(QINGYUN, query) is None


@given(st.text(max_size=40), st.binary(max_size=60))
def test_nothing_that_comes_ends_in_an_exception(path, query):
    for each in (path, QINGYUN):
        assert page_asked({"path": each, "query_string": query}) is None
