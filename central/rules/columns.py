"""The columns of a workbook of rules: Chinese first, and the key the API and YAML know it by."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any, Final

from central.rules.reading import KIND_FIELDS


class Sort(Enum):
    """How a cell says its value."""

    PLAIN = 0
    TEXT = 1
    LIST = 2
    """Texts with commas between them."""
    JSON = 3
    PARAMETERS = 4
    """The fields of the rule's kind, as JSON."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `path` leads to the value in the entry; a `needed` column has to be there."""

    zh: str
    key: str
    sort: Sort = Sort.TEXT
    path: tuple[str, ...] = ()
    width: int = 14
    needed: bool = False

    @property
    def heading(self) -> str:
        """What stands in the first row."""
        return f"{self.zh} {self.key}"

    def shown(self, entry: Mapping[str, Any]) -> Any:
        """Return what the cell of an entry holds."""
        if self.sort is Sort.PARAMETERS:
            held = {key: entry[key] for key in KIND_FIELDS if key in entry}
            return json.dumps(held, ensure_ascii=False) if held else None
        value: Any = entry
        for part in self.path or (self.key,):
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is None:
            return None
        if self.sort is Sort.LIST:
            return ", ".join(value)
        return json.dumps(value, ensure_ascii=False) if self.sort is Sort.JSON else value

    def take(self, entry: dict[str, Any], cell: Any) -> str | None:
        """Put a cell into its entry; return its text where it is none of its sort."""
        if cell is None:
            return None
        if self.sort in (Sort.JSON, Sort.PARAMETERS):
            return self._take_json(entry, cell)
        value = cell
        if self.sort is Sort.LIST:
            words = str(cell).replace("，", ",").replace("、", ",").split(",")
            value = [word.strip() for word in words if word.strip()]
        elif self.sort is Sort.TEXT:
            value = _text(cell)
        path = self.path or (self.key,)
        for part in path[:-1]:
            entry = entry.setdefault(part, {})
        entry[path[-1]] = value
        return None

    def _take_json(self, entry: dict[str, Any], cell: Any) -> str | None:
        try:
            held = json.loads(str(cell))
        except (ValueError, RecursionError):
            return str(cell)[:80]
        if self.sort is Sort.JSON:
            entry[self.key] = held
            return None
        if not isinstance(held, dict) or not set(held) <= set(KIND_FIELDS):
            return str(cell)[:80]
        entry.update(held)
        return None


def _text(cell: Any) -> Any:
    """Return what Excel took for a number or a date as the text it was meant to be."""
    if isinstance(cell, date):
        return cell.isoformat()[:10]
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return f"{cell:g}"
    return cell


NOTE: Final = "说明 faults"
_PLACE: Final = (
    Column("范围", "scope", width=10, needed=True),
    Column("位置", "at", width=36, needed=True),
)
RULES: Final = (
    Column("编号", "id", width=36, needed=True),
    Column("名称", "label", path=("label", "zh"), width=24, needed=True),
    Column("英文名称", "label_en", path=("label", "en"), width=24),
    Column("监测量", "quantity", Sort.LIST, width=24, needed=True),
    Column("单位", "unit", width=8, needed=True),
    Column("类型", "kind", width=12, needed=True),
    Column("参数", "parameters", Sort.PARAMETERS, width=36),
    Column("规则族", "family", width=12),
    Column("锁存", "latching", Sort.PLAIN, width=8),
    Column("判断位置", "where", width=10),
    Column("默认挂接", "attach", Sort.PLAIN, width=10),
    Column("输入", "inputs", Sort.JSON, width=36),
    Column("数据监视", "watch", Sort.JSON, width=20),
    Column("时限", "clocks", Sort.JSON, width=20),
    Column("抑制条件", "suppressed_by", Sort.LIST, width=36),
    Column("依据", "source", width=30),
    Column("原文", "quote", width=30),
    Column("备注", "note", path=("note", "zh"), width=30),
    Column("英文备注", "note_en", path=("note", "en"), width=30),
    Column("处置要求", "request", path=("request", "zh"), width=30),
    Column("英文处置要求", "request_en", path=("request", "en"), width=30),
    Column("停用", "retired", Sort.PLAIN, width=8),
)
LEVELS: Final = (
    Column("规则编号", "rule", width=36, needed=True),
    Column("等级名称", "name", width=18, needed=True),
    Column("英文名称", "name_en", width=18),
    Column("颜色", "colour", width=10, needed=True),
    Column("比较", "op", width=6, needed=True),
    Column("阈值", "limit", Sort.PLAIN, width=10, needed=True),
    Column("特征值", "named", width=20),
    Column("回差", "deadband", Sort.PLAIN, width=8),
    Column("报警延时", "on_delay", Sort.PLAIN, width=10),
    Column("恢复延时", "off_delay", Sort.PLAIN, width=10),
    Column("时段", "window", Sort.PLAIN, width=10),
    Column("计数颜色", "counts", width=10),
    Column("依据", "source", width=24),
    Column("条款", "clause", width=12),
    Column("状态", "status", width=6),
    Column("出处", "tag", width=16),
    Column("确认人", "confirmed_by", width=12),
    Column("确认日期", "confirmed_on", width=12),
    Column("生效", "valid_from", width=12),
    Column("失效", "valid_to", width=12),
    Column("处置要求", "request", path=("request", "zh"), width=30),
    Column("英文处置要求", "request_en", path=("request", "en"), width=30),
)
ATTACHMENTS: Final = (
    Column("规则编号", "rule", width=36),
    Column("规则族", "family", width=12),
    *_PLACE,
    Column("监测量", "quantities", Sort.LIST, width=24),
    Column("理由", "reason", width=36),
)
NAMED: Final = (
    Column("特征值", "name", width=24, needed=True),
    *_PLACE,
    Column("数值", "value", Sort.PLAIN, width=10, needed=True),
    Column("单位", "unit", width=8, needed=True),
    Column("名称", "label", path=("label", "zh"), width=20),
    Column("英文名称", "label_en", path=("label", "en"), width=20),
    Column("生效", "valid_from", width=12),
    Column("失效", "valid_to", width=12),
    Column("依据", "source", width=24),
    Column("条款", "clause", width=12),
    Column("理由", "reason", width=36),
)
SHEETS: Final = {
    id(RULES): "规则 Rules",
    id(LEVELS): "分级 Levels",
    id(ATTACHMENTS): "挂接 Attachments",
    id(NAMED): "特征值 Named levels",
}
