"""Acknowledging at the gateway: over the socket in its folder alone, by its own account."""

import pytest

from edge.alarms import command
from edge.commands import main
from edge.local_http import LocalPages, ask
from protocols.errors import FengsuiError
from protocols.wire.alarm_events import read_alarm
from tests import builders
from tests.edge.alarms.tank import SECOND
from tests.edge.alarms.test_local_alarms import RULE, clock, site
from tests.edge.test_local_http import raw
from tests.edge.waiting import eventually

__all__ = ["clock"]  # a fixture


async def test_it_is_taken_once_and_told(tmp_path, clock, capsys):
    async with site(tmp_path, clock) as here:
        here.read(13.0)
        folder = tmp_path / "buffer"
        pages = LocalPages(
            {"/alarms": here.alarms.page},
            {"/alarms/acknowledge": here.alarms.take_acknowledgement},
        )
        await pages.listen_in(folder)
        query = f"/alarms/acknowledge?rule={RULE}&by=%E7%8E%8B"
        try:
            await clock.advance(9 * SECOND)
            assert await ask(folder, query, "POST") == {"rule": RULE, "by": "王"}
            with pytest.raises(FengsuiError, match="ALARM_ACK_NOTHING"):
                await ask(folder, query, "POST")
            with pytest.raises(FengsuiError, match="ALARM_ACK_BY"):
                await ask(folder, f"/alarms/acknowledge?rule={RULE}&by=", "POST")
            port = await pages.listen("127.0.0.1", 0)
            refused = await raw(port, f"POST {query} HTTP/1.1\r\n\r\n".encode())
            assert b" 405 " in refused.partition(b"\r\n")[0]
            picture = await ask(folder, "/alarms")
        finally:
            await pages.close()
        await eventually(lambda: ("ACK", "HH") in here.said())
        (said,) = (each for each in map(read_alarm, here.told) if each.word == "ACK")
        assert (said.by, said.age) == ("王", 9 * SECOND)
        assert picture["standing"][0]["acknowledged"] == "王"
    for language, begins in (("zh", "未恢复 1 条。"), ("en", "1 not returned.")):
        command.show(picture, language)
        shown = capsys.readouterr().out
        assert shown.startswith(begins)
        assert RULE in shown
        assert "13 m" in shown


def test_a_gateway_that_does_not_run_is_said_so(tmp_path, capsys, monkeypatch):
    (tmp_path / "buffer").mkdir()

    def config(_):
        return builders.config(tmp_path, "http://127.0.0.1:9")

    monkeypatch.setattr(command, "load_config", config)
    assert main(["alarms", str(tmp_path / "edge.yaml")]) == 1
    assert "网关没有运行" in capsys.readouterr().err
