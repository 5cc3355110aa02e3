"""What people are asked to do, by when, and to whom what nobody did goes next. Pure.

Minutes and persons are those of the proposed table, status D: a city's own regulation takes their
place. Whom to call is said as the site's domain says it: 企业控制室, 项目部, 消控室.
"""

from typing import Final

from protocols.alarms.rule import Colour
from protocols.alarms.spoken import duration, moment
from protocols.clock import MINUTE
from protocols.texts import catalogue, text
from protocols.words import Value

ANSWER: Final = {
    Colour.RED: (1, 3),
    Colour.ORANGE: (2, 5),
    Colour.YELLOW: (5, 15),
    Colour.BLUE: (30, 240),
}
"""Minutes until somebody acknowledges, and until the site was called (of blue: until it was
verified)."""
_ABOVE: Final = {Colour.RED: 2, Colour.ORANGE: 1, Colour.YELLOW: 1, Colour.BLUE: 1}
"""How many there are above, one after another, to whom an overdue alarm goes."""


def asked(which: str, colour: Colour, domain: str, language: str) -> str:
    """Return the request `which` of an alarm of that colour at a site of that domain."""
    answer, call = ANSWER[colour]
    code = f"CALLED_{domain.upper()}"
    params: dict[str, Value] = {"answer": answer, "call": call, "hours": call // 60}
    params["who"] = text(code if code in catalogue(language) else "CALLED_SITE", {}, language)
    return text(f"REQUEST_{which}", params, language)


def overdue(
    colour: Colour, time: int, called: int, nth: int, *, now: int, language: str
) -> dict[str, Value]:
    """Return by when somebody should have answered, how long ago that was, and who is asked now.

    `time` (µs UTC) is when it went on for the `nth` time, `called` when somebody was called.
    """
    due = min(time, called + ANSWER[colour][0] * MINUTE)
    above = max(1, min(nth, _ABOVE[colour]))
    return {
        "due": moment(due, now),
        "over": duration(time - due),
        "to": text(f"OVERDUE_{colour.name}_{above}", {}, language),
    }
