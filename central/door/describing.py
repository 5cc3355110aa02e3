"""An enterprise's own description of its sites, devices and points, made a manifest (pure).

The same structure as on the wire (docs/wire.md section 3), as people and their programs write it:
any JSON, whole numbers for floats, a text for a label, and what has an obvious value left out.
"""

from typing import Any, Final

from central.door.table import load
from protocols.errors import IngestError, WireError
from protocols.wire.bounds import FORMAT
from protocols.wire.canonical import dump
from protocols.wire.manifest import Manifest, decode_manifest
from protocols.words import Label

_PARTS: Final[dict[str, dict[str, Any]]] = {
    "sites": {"longitude": None, "latitude": None},
    "objects": {},
    "devices": {"protocol": "api", "bus": "api", "profile": ""},
    "points": {
        "low": None,
        "high": None,
        "type": "float",
        "decimals": None,
        "stale": 180.0,
        "lane": "data",
        "object": None,
        "enumeration": [],
        "limits": [],
    },
}
_LEVEL: Final[dict[str, Any]] = {
    "name_en": "",
    "deadband": 0.0,
    "on_delay": 0.0,
    "off_delay": 0.0,
    "source": "",
    "clause": None,
    "status": "U",
    "confirmed_by": None,
    "confirmed_on": None,
    "valid_from": None,
    "valid_to": None,
}
_FLOATS: Final = frozenset(
    {"longitude", "latitude", "low", "high", "stale", "limit", "deadband", "on_delay", "off_delay"}
)


def manifest_of(
    gateway: str, label: Label, data: bytes, sites: frozenset[str]
) -> tuple[bytes, Manifest]:
    """Return the manifest a description asks for, as bytes and as read.

    Raises IngestError DOOR_BODY, WIRE (which says where), SITE_FORBIDDEN for one not in `sites`.
    """
    body = load(data)
    if not isinstance(body, dict) or not body.keys() <= {"label", *_PARTS}:
        raise IngestError("DOOR_BODY", 400, why="KEYS", expected=", ".join(["label", *_PARTS]))
    own = _label(body.get("label", {"zh": label.zh, "en": label.en}))
    described: dict[str, object] = {
        "format": FORMAT,
        "gateway": {"name": gateway, "label": own},
        **{name: _items(body.get(name, []), obvious) for name, obvious in _PARTS.items()},
    }
    try:
        made = dump(described, "manifest")
        manifest = decode_manifest(made)
    except WireError as exc:
        raise IngestError("WIRE", 400, reason=exc.code, **exc.params) from exc
    for site in manifest.sites:
        if site.name not in sites:
            raise IngestError("SITE_FORBIDDEN", 403, site=site.name)
    return made, manifest


def _items(items: Any, obvious: dict[str, Any]) -> Any:
    """Return items with what was left out; what is no list or object is for the decoder to name."""
    return [_item(item, obvious) for item in items] if isinstance(items, list) else items


def _item(item: Any, obvious: dict[str, Any]) -> Any:
    if not isinstance(item, dict):
        return item
    made = {**obvious, **{key: _cell(key, cell) for key, cell in item.items()}}
    made["label"] = _label(made.get("label", made.get("name")))
    return made


def _cell(key: str, cell: Any) -> Any:
    if key in _FLOATS and type(cell) is int and abs(cell) < 1 << 53:
        return float(cell)
    if key == "limits":
        return [_level(level) for level in cell] if isinstance(cell, list) else cell
    if key == "enumeration" and isinstance(cell, list):
        return [
            {**word, "label": _label(word.get("label"))} if isinstance(word, dict) else word
            for word in cell
        ]
    return cell


def _level(level: Any) -> Any:
    if not isinstance(level, dict):
        return level
    return {**_LEVEL, **{key: _cell(key, cell) for key, cell in level.items()}}


def _label(said: Any) -> Any:
    if isinstance(said, str):
        return {"zh": said, "en": ""}
    return {"en": "", **said} if isinstance(said, dict) else said
