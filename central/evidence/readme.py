"""The page in an exported folder that a lawyer reads first: what is proved, what is not, how."""

from pathlib import Path
from typing import Final

TEMPLATE: Final = Path(__file__).with_name("readme.md")
UNSIGNED_ZH: Final = """
**注意:平台没有登记过 {gateway} 的密钥,这里面的数据没有签名**(凭令牌提交)。
下面的第 3 条不成立:能核对前后一致,不能证明出自哪台设备;
连同摘要一起改写的,只凭这个文件夹也看不出来。核对时用 `--unsigned` 代替 `--key …`。
"""
UNSIGNED_EN: Final = """
**Note: the collector never knew a key of {gateway}; nothing in here is signed** (it came by token).
Statement 3 below does not hold: that all fits together can be verified, which device it came from
cannot; and who rewrites the digests along with the data is not betrayed by this folder alone.
Verify with `--unsigned` in place of `--key ...`.
"""


def readme(gateway: str, times: tuple[str | None, str, str], *, signed: bool) -> str:
    """Return README.md. `times`: from (None: all there is), to, made at. `signed`: has keys."""
    start, end, made = times
    said = TEMPLATE.read_text(encoding="utf-8")
    return said.format(
        gateway=gateway,
        start=start or "最早",
        start_en=start or "the beginning",
        end=end,
        made=made,
        unsigned="" if signed else UNSIGNED_ZH.format(gateway=gateway),
        unsigned_en="" if signed else UNSIGNED_EN.format(gateway=gateway),
    )
