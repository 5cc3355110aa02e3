"""Quality of a reading: OPC UA StatusCode numbers (OPC 10000-6, Annex A.2).

The top two bits give the class: 00 good, 01 uncertain, 10 bad. Loss is data: a dead device, a
sentinel or an over-range value is a reading with a quality, never silence.
"""

from enum import IntEnum
from typing import Final


class Quality(IntEnum):
    """The codes this system produces itself; devices may bring any other StatusCode."""

    GOOD = 0x00000000
    GOOD_LOCAL_OVERRIDE = 0x00960000
    UNCERTAIN = 0x40000000
    UNCERTAIN_NO_COMMUNICATION_LAST_USABLE_VALUE = 0x408F0000
    UNCERTAIN_LAST_USABLE_VALUE = 0x40900000
    UNCERTAIN_SUBSTITUTE_VALUE = 0x40910000
    UNCERTAIN_INITIAL_VALUE = 0x40920000
    UNCERTAIN_SENSOR_NOT_ACCURATE = 0x40930000
    UNCERTAIN_ENGINEERING_UNITS_EXCEEDED = 0x40940000
    UNCERTAIN_SUB_NORMAL = 0x40950000
    BAD = 0x80000000
    BAD_INTERNAL_ERROR = 0x80020000
    BAD_COMMUNICATION_ERROR = 0x80050000
    BAD_DECODING_ERROR = 0x80070000
    BAD_TIMEOUT = 0x800A0000
    BAD_NO_COMMUNICATION = 0x80310000
    BAD_WAITING_FOR_INITIAL_DATA = 0x80320000
    BAD_NODE_ID_UNKNOWN = 0x80340000
    BAD_OUT_OF_RANGE = 0x803C0000
    BAD_CONFIGURATION_ERROR = 0x80890000
    BAD_NOT_CONNECTED = 0x808A0000
    BAD_DEVICE_FAILURE = 0x808B0000
    BAD_SENSOR_FAILURE = 0x808C0000
    BAD_OUT_OF_SERVICE = 0x808D0000


CLASS_MASK: Final = 0xC0000000


def is_good(code: int) -> bool:
    """Return whether the value may be used without reserve."""
    return code & CLASS_MASK == 0


def is_bad(code: int) -> bool:
    """Return whether the value must not be used (the two reserved top bits count as bad)."""
    return code & 0x80000000 != 0


def quality_class(code: int) -> str:
    """Return `good`, `uncertain` or `bad`."""
    top = code & CLASS_MASK
    if top == 0:
        return "good"
    return "uncertain" if top == 0x40000000 else "bad"
