"""What a file says of itself: what it holds, from when to when, on whose clock, who asked."""

from typing import Final

import numpy as np

from central.export.exports import Wanted
from central.export.zones import Zone

_ZH: Final = (
    "烽燧监测数据导出",
    "起(含)",
    "止(不含)",
    "时区",
    "点位数",
    "导出人",
    "导出时间",
    "补传",
    "采集后一分钟以上才到平台的数据",
    "时间为估计",
    "无法得知采集时刻,按接收时间存放的数据",
    "质量",
    "OPC UA StatusCode;0 为正常,非 0 的数值不可直接使用",
)
_EN: Final = (
    "Fengsui readings",
    "From (included)",
    "To (excluded)",
    "Time zone",
    "Points",
    "Exported by",
    "Exported at",
    "Late",
    "arrived more than a minute after it was measured",
    "Time estimated",
    "nobody knew when it was measured: stored under the time it was received",
    "Quality",
    "OPC UA StatusCode; 0 is good, a value with another is not to be used without a look",
)


def about(
    language: str, zone: Zone, wanted: Wanted, who: str, now: int
) -> tuple[tuple[str, str], ...]:
    """Return lines of (heading, text). Times are µs UTC."""
    words = _ZH if language == "zh" else _EN
    first, last, made = zone.rfc3339(np.array([wanted.start, wanted.end, now], np.int64))
    texts = (first, last, zone.text, str(len(wanted.points)), who, made)
    return (
        (words[0], ""),
        *zip(words[1:7], texts, strict=True),
        (words[7], words[8]),
        (words[9], words[10]),
        (words[11], words[12]),
    )
