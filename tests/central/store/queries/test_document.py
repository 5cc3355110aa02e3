"""The program in docs/api-queries.md does what the page says."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[4] / "docs" / "api-queries.md"
LEVEL = "site/gw/tank/level"
START = 1_781_272_800_000_000


async def test_the_example_runs_as_it_is_written(collector, gateway, stream, clock):
    (code,) = re.findall(
        r"<!-- example: python -->\n```python\n(.*?)```",
        PAGE.read_text(encoding="utf-8"),
        re.DOTALL,
    )
    for n in range(3):
        await gateway.deliver(collector, stream, gateway.reading("level", float(n)))
        clock.move(60)
    names = {}
    exec(code, names)
    assert await names["report"](collector.queries, LEVEL, START) == {
        "readings": 3,
        "late": 0,
        "highest": 2.0,
        "sums": [3.0],
        "slots": (3, 3),
        "known": [2.0],
    }
