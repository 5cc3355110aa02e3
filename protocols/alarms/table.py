"""The state table as the code has it, for docs/alarm-states.md: `make schema` writes it."""

from collections.abc import Callable
from typing import Final

from protocols.alarms import overlay as overlays
from protocols.alarms import state as states
from protocols.alarms.overlay import Act, Overlay, Shelf
from protocols.alarms.state import REFUSALS, TABLE, Alarm, Happening, State

LEVEL: Final = 2
STATES: Final = {
    State.NORMAL: "A 正常",
    State.UNACK: "B 未确认",
    State.ACKED: "C 已确认",
    State.RTN_UNACK: "D 已恢复未确认",
    State.LATCHED_UNACK: "L1 锁存未确认",
    State.LATCHED_ACKED: "L2 锁存已确认",
}
HAPPENINGS: Final = {
    Happening.LEVEL: "越限或等级变化",
    Happening.RETURN: "恢复",
    Happening.LATCH: "恢复(锁存规则)",
    Happening.ACK: "确认收到",
    Happening.RESET: "复位",
    Happening.REALARM: "重复提醒到时",
}
OVERLAYS: Final = {
    "—": Overlay(),
    "E 限时静默": Overlay(shelf=Shelf(1)),
    "F 逻辑抑制": Overlay(suppressed=True),
    "G 报警停用": Overlay(out_of_service=True),
    "F + G": Overlay(suppressed=True, out_of_service=True),
}
HEAD: Final = """# 报警状态表 · The alarm's state table

由 `make schema` 生成，测试核对它与代码一致。每一格或是转移（新状态与写入
报警记录的词），或是拒绝的原因；没有空格。
Generated from the code, and a test compares it: each cell is a transition (the new state and the
words written to the journal) or the reason why it is refused. No cell is empty. The model is that
of ISA-18.2-2016 and IEC 62682, with latching as an option of a rule; what lies over it is below.
"""
OVER: Final = """
## 覆盖状态 · Overlays

静默之下报警照常跟随条件，但不呼叫任何人，到时必定结束；抑制与停用期间条件不再判断，全部解除后
按当时的值重新判断，延时从解除时起算。
Under a shelf the alarm goes on following its condition unseen, and the shelf always ends: by itself
what stands calls again (UNSHELVE_AUTO, RAISE), by hand it counts as acknowledged (UNSHELVE).
Suppressed or out of service nothing is judged; when the last of them is taken off, what is known is
judged anew and delays begin at that moment; what had latched latches again.
"""


def page() -> str:
    """Return the document."""
    return HEAD + _states() + OVER + _overlays()


def _states() -> str:
    head = ["状态 · state", *(f"{text}<br>{each}" for each, text in HAPPENINGS.items())]
    rows = [
        [f"{text}<br>{state}", *(_cell(state, happening) for happening in HAPPENINGS)]
        for state, text in STATES.items()
    ]
    return _table(head, rows)


def _cell(state: State, happening: Happening) -> str:
    if (state, happening) not in TABLE:
        return f"拒绝 · {REFUSALS[state, happening]}"
    alarm = Alarm() if state is State.NORMAL else Alarm(state, 1, 1)
    after, words = states.step(alarm, happening, LEVEL)
    return f"{STATES[after.state].split()[0]} {after.state}: {' + '.join(words)}"


def _overlays() -> str:
    acts: dict[Act, Callable[[Overlay], str]] = {act: _over(act) for act in Act}
    head = ["覆盖 · overlay", *(act.value for act in acts)]
    rows = [[text, *(told(over) for told in acts.values())] for text, over in OVERLAYS.items()]
    return _table(head, rows)


def _over(act: Act) -> Callable[[Overlay], str]:
    def told(over: Overlay) -> str:
        reason = overlays.refusal(over, act)
        if reason is not None:
            return f"拒绝 · {reason}"
        after = overlays.put(over, act, Shelf(1))
        held = overlays.name(after) or "—"
        return f"{held}: {overlays.WORDS[act]}"

    return told


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n" + "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
