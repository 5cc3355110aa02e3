"""Devices against their profiles: does it exist, does it fit, does it have the points named."""

from collections.abc import Iterable
from pathlib import Path as FilePath
from typing import Any

from edge.schema.cross_checks import devices
from protocols.errors import ConfigError
from protocols.profile import PROFILES, Profile, ProfilePoint
from protocols.schema.levels import check_ladder, check_states
from protocols.schema.patterns import PROFILE
from protocols.schema.profile import load_profile_file
from protocols.schema.report import Report, nearest
from protocols.schema.yaml_source import Path


class ProfileShelf:
    """The profiles at hand: the site's own folder first, then those that came with the product."""

    def __init__(self, report: Report, own: Any, beside: FilePath) -> None:
        self.profiles: dict[str, Profile] = {}
        self._report = report
        self._folders = [PROFILES]
        self._broken: set[str] = set()
        if isinstance(own, str) and own:
            folder = beside / own
            if folder.is_dir():
                self._folders.insert(0, folder)
            else:
                report.at(("profiles",), "FOLDER_MISSING", file=str(folder))

    def get(self, name: str, path: Path) -> Profile | None:
        """Return a profile; its faults go to the report once, a missing one is named at `path`."""
        if name in self.profiles or name in self._broken:
            return self.profiles.get(name)
        file = next(
            (f / f"{name}.yaml" for f in self._folders if (f / f"{name}.yaml").is_file()), None
        )
        if file is None:
            self._report.at(path, "PROFILE_MISSING", self._near(name))
            return None
        try:
            self.profiles[name] = load_profile_file(file, name)
        except ConfigError as exc:
            self._broken.add(name)
            self._report.problems.extend(exc.problems)
        return self.profiles.get(name)

    def _near(self, name: str) -> list[str]:
        known = sorted(
            {
                file.relative_to(folder).with_suffix("").as_posix()
                for folder in self._folders
                for file in folder.rglob("*.yaml")
                if not file.name.startswith("_")
            }
        )
        return nearest(name, known, 3) or known[:8]


def check_devices(report: Report, data: dict[str, Any], shelf: ProfileShelf) -> None:
    """Check every device against its profile, as far as it can be understood."""
    for path, device in devices(data):
        name = device.get("profile")
        if not isinstance(name, str) or not PROFILE.fullmatch(name):
            continue
        profile = shelf.get(name, (*path, "profile"))
        if profile is None:
            continue
        bus = data["buses"][path[1]].get("protocol")
        if bus != profile.protocol and bus in ("modbus", "opcua", "mqtt"):
            report.at((*path, "profile"), "PROFILE_PROTOCOL", (profile.protocol,), bus=bus)
        points = device.get("points")
        if isinstance(points, dict):
            _check_overrides(report, (*path, "points"), points, profile)


def _check_overrides(
    report: Report, path: Path, overrides: dict[str, Any], profile: Profile
) -> None:
    sheets = {sheet.name: sheet for sheet in profile.points}
    for name, override in overrides.items():
        sheet = sheets.get(name)
        if sheet is None:
            near = nearest(name, sheets, 3) or _first(sheets)
            report.at((*path, name), "POINT_UNKNOWN", near, value=name, profile=profile.name)
        elif isinstance(override, dict):
            _check_override(report, (*path, name), override, sheet)


def _check_override(
    report: Report, path: Path, override: dict[str, Any], sheet: ProfilePoint
) -> None:
    limits = (*path, "limits")
    if sheet.type in ("float", "int"):
        check_ladder(report, limits, override.get("limits"), (sheet.low, sheet.high))
    elif sheet.type == "text":
        if override.get("limits"):
            report.at(limits, "KEY_NOT_FOR_TYPE", ("float", "int", "enum"), type=sheet.type)
    else:
        states = [0, 1] if sheet.type == "bool" else [code for code, _ in sheet.enumeration]
        check_states(report, limits, override.get("limits"), states)
    if sheet.type not in ("float", "int") and "deadband" in override:
        report.at((*path, "deadband"), "KEY_NOT_FOR_TYPE", ("float", "int"), type=sheet.type)
    heartbeat = override.get("heartbeat", sheet.heartbeat)
    stale = override.get("stale", sheet.stale)
    numbers = all(isinstance(n, (int, float)) for n in (heartbeat, stale))
    if numbers and stale <= heartbeat and {"heartbeat", "stale"} & set(override):
        key = "stale" if "stale" in override else "heartbeat"
        report.at((*path, key), "STALE_SHORT", (f"> {heartbeat:g}",), value=f"{stale:g}")


def _first(names: Iterable[str]) -> list[str]:
    return list(names)[:8]
