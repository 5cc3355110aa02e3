"""What a device's own word on its value means (table in README.md; pure)."""

from typing import Final

from protocols.quality import Quality

_WORDS: Final[tuple[tuple[Quality, str], ...]] = (
    (Quality.GOOD, "good ok valid normal true 正常 有效"),
    (Quality.GOOD_LOCAL_OVERRIDE, "override manual forced 手动 强制"),
    (Quality.UNCERTAIN, "uncertain suspect doubtful questionable 可疑"),
    (Quality.UNCERTAIN_LAST_USABLE_VALUE, "stale old last 陈旧"),
    (Quality.UNCERTAIN_SUBSTITUTE_VALUE, "substituted substitute default 替代"),
    (Quality.UNCERTAIN_INITIAL_VALUE, "initial warmup warming_up 预热"),
    (Quality.UNCERTAIN_SENSOR_NOT_ACCURATE, "inaccurate uncalibrated calibration_due 未校准"),
    (Quality.UNCERTAIN_ENGINEERING_UNITS_EXCEEDED, "overrange over_range underrange 超量程"),
    (Quality.BAD, "bad invalid error false 无效 错误"),
    (Quality.BAD_SENSOR_FAILURE, "fault failure sensor_failure broken 故障"),
    (Quality.BAD_NOT_CONNECTED, "offline disconnected not_connected missing 离线 未连接"),
    (Quality.BAD_OUT_OF_SERVICE, "maintenance out_of_service disabled 检修 停用"),
    (Quality.BAD_WAITING_FOR_INITIAL_DATA, "starting initialising initializing 启动中"),
)

WORDS: Final[dict[str, int]] = {
    word: int(quality) for quality, words in _WORDS for word in words.split()
}

STATUS_CODES: Final = range(2**32)


def quality_of(word: object) -> int:
    """Return the StatusCode of a boolean, a word, or a StatusCode number.

    What is not understood is Uncertain: neither a good word nor a bad one.
    """
    if isinstance(word, bool):
        return int(Quality.GOOD if word else Quality.BAD)
    if isinstance(word, str):
        return WORDS.get(word.strip().lower().replace(" ", "_"), int(Quality.UNCERTAIN))
    # Only severities and main codes: a small number is some vendor's own list.
    if isinstance(word, int) and word in STATUS_CODES and (word == 0 or word >> 16):
        return word
    return int(Quality.UNCERTAIN)
