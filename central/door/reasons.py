"""Why a reading is put aside while its neighbours go in; each is a key of the text catalogue."""

from enum import StrEnum


class Reason(StrEnum):
    """Told in the answer, in the quarantine and in the figures."""

    BAD_ROW = "BAD_ROW"
    """Not an object with exactly point, time (or time_us), value and perhaps quality."""
    UNKNOWN_POINT = "UNKNOWN_POINT"
    BAD_TIME = "BAD_TIME"
    CLOCK_AHEAD = "CLOCK_AHEAD"
    CLOCK_BEHIND = "CLOCK_BEHIND"
    BAD_QUALITY = "BAD_QUALITY"
    BAD_VALUE = "BAD_VALUE"
