"""What the keys of a configuration must be to each other: names, references, files, addresses."""

import os
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any, Final
from urllib.parse import urlsplit

from protocols.schema.fields import duplicates
from protocols.schema.report import Report
from protocols.schema.yaml_source import Path

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")

_SERIAL_KEYS: Final = ("path", "baudrate", "bytesize", "parity", "stopbits")
_SOCKET_KEYS: Final = ("host", "port")
_SECURITY: Final = ("certificate", "private_key", "server_certificate")
_FILES: Final = ("ca_file", "certificate", "private_key", "server_certificate")


def check_all(report: Report, data: dict[str, Any], folder: FilePath) -> None:
    """Check `data`, the file as written, as far as it can be understood."""
    _check_names(report, data)
    _check_references(report, data)
    _check_collector(report, data, folder)
    _check_buffer(report, data)
    _check_position(report, data)
    for i, bus in mappings(data, "buses"):
        _check_bus(report, ("buses", i), bus, folder)


def mappings(data: Any, key: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Return the mappings in the list at `key`, with their indices."""
    found = data.get(key) if isinstance(data, dict) else None
    for i, item in enumerate(found if isinstance(found, list) else []):
        if isinstance(item, dict):
            yield i, item


def devices(data: Any) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Return every device of every bus, with its path."""
    for i, bus in mappings(data, "buses"):
        for j, device in mappings(bus, "devices"):
            yield ("buses", i, "devices", j), device


def site_of(data: Any, device: dict[str, Any]) -> str | None:
    """Return the device's site: its own, or the gateway's."""
    gateway = data.get("gateway")
    own = gateway.get("site") if isinstance(gateway, dict) else None
    site = device.get("site", own)
    return site if isinstance(site, str) else None


def _check_names(report: Report, data: dict[str, Any]) -> None:
    for key in ("sites", "buses"):
        found = ((i, str(item["name"])) for i, item in mappings(data, key) if "name" in item)
        for i, name, first in duplicates(found):
            _name_twice(report, (key, i, "name"), name, (key, first, "name"))
    objects = [(i, item) for i, item in mappings(data, "objects") if "name" in item]
    for i, name, first in duplicates((i, f"{o.get('site')}/{o['name']}") for i, o in objects):
        _name_twice(report, ("objects", i, "name"), name, ("objects", first, "name"))
    seen: dict[str, str] = {}
    for path, device in devices(data):
        bus = str(data["buses"][path[1]].get("name", path[1]))
        own = device.get("name")
        if not isinstance(own, str):
            continue
        if own in seen:
            report.at((*path, "name"), "DEVICE_TWICE", value=own, bus=seen[own])
        seen.setdefault(own, bus)


def _name_twice(report: Report, path: Path, name: str, first: Path) -> None:
    report.at(path, "NAME_TWICE", value=name, first=report.source.line(first))


def _check_references(report: Report, data: dict[str, Any]) -> None:
    sites = [str(item["name"]) for _, item in mappings(data, "sites") if "name" in item]
    objects = [(o.get("site"), o.get("name")) for _, o in mappings(data, "objects")]
    gateway = data.get("gateway")
    if isinstance(gateway, dict):
        _check_site(report, ("gateway", "site"), gateway.get("site"), sites)
    for i, item in mappings(data, "objects"):
        _check_site(report, ("objects", i, "site"), item.get("site"), sites)
    for path, device in devices(data):
        _check_site(report, (*path, "site"), device.get("site"), sites)
        site = site_of(data, device)
        known = [str(name) for where, name in objects if where == site]
        _check_object(report, (*path, "object"), device.get("object"), known)
        points = device.get("points")
        for point, override in points.items() if isinstance(points, dict) else ():
            if isinstance(override, dict):
                here = (*path, "points", point, "object")
                _check_object(report, here, override.get("object"), known)


def _check_site(report: Report, path: Path, name: Any, known: list[str]) -> None:
    if isinstance(name, str) and name not in known:
        report.at(path, "SITE_UNKNOWN", known)


def _check_object(report: Report, path: Path, name: Any, known: list[str]) -> None:
    if isinstance(name, str) and name not in known:
        report.at(path, "OBJECT_UNKNOWN", known)


def _check_collector(report: Report, data: dict[str, Any], folder: FilePath) -> None:
    collector = data.get("collector")
    if not isinstance(collector, dict):
        return
    url = collector.get("url")
    if isinstance(url, str):
        _check_url(report, url, allow=collector.get("allow_plain_http") is True)
    proxy = collector.get("proxy")
    if isinstance(proxy, str):
        _check_form(report, ("collector", "proxy"), proxy, {"http": "http://HOST:PORT"})
    for key in ("token_file", "proxy_credentials_file"):
        if isinstance(file := collector.get(key), str):
            check_secret(report, ("collector", key), folder / file)
    if "proxy_credentials_file" in collector and "proxy" not in collector:
        because = "proxy_credentials_file"
        report.at(("collector", "proxy"), "KEY_NEEDED", value="proxy", because=because)


def _check_url(report: Report, url: str, *, allow: bool) -> None:
    path = ("collector", "url")
    if not _check_form(report, path, url, {"https": "https://HOST:PORT", "http": ""}):
        return
    parts = urlsplit(url)
    loopback = parts.hostname in LOOPBACK
    if parts.scheme == "http" and not loopback and not allow:
        report.at(path, "PLAIN_HTTP", ("https://",))


def _check_form(report: Report, path: Path, url: str, forms: dict[str, str]) -> bool:
    """Check that a URL is a scheme of `forms`, a host and perhaps a port; return whether it is."""
    if "@" in url:
        # A password may be in it: it is not repeated.
        report.at(path, "URL_SECRET", value="***@" + url.rsplit("@", 1)[1])
        return False
    try:
        parts = urlsplit(url)
        rest = parts.path.strip("/") or parts.query or parts.fragment or parts.port == 0
    except ValueError:
        parts, rest = urlsplit(""), True
    if parts.scheme not in forms or not parts.hostname or rest:
        report.at(path, "URL_FORMAT", filter(None, forms.values()))
        return False
    return True


def check_secret(report: Report, path: Path, file: FilePath) -> None:
    """A file with a secret must exist, hold something, and be readable by its owner only."""
    try:
        status = file.stat()
    except (FileNotFoundError, NotADirectoryError):
        report.at(path, "SECRET_MISSING", file=str(file))
        return
    except OSError:
        report.at(path, "SECRET_UNREADABLE", file=str(file))
        return
    if not file.is_file() or status.st_size == 0:
        report.at(path, "SECRET_EMPTY", file=str(file))
    elif status.st_mode & 0o077:
        report.at(path, "SECRET_OPEN", file=str(file), mode=f"{status.st_mode & 0o777:04o}")
    elif not os.access(file, os.R_OK):
        report.at(path, "SECRET_UNREADABLE", file=str(file))


def _check_buffer(report: Report, data: dict[str, Any]) -> None:
    buffer = data.get("buffer")
    if not isinstance(buffer, dict):
        return
    quota, segment = buffer.get("quota_mib"), buffer.get("segment_mib", 64)
    if isinstance(quota, int) and isinstance(segment, int) and quota < 2 * segment:
        report.at(("buffer", "quota_mib"), "QUOTA_SMALL", (f"≥ {2 * segment}",), segment=segment)


def _check_position(report: Report, data: dict[str, Any]) -> None:
    for i, site in mappings(data, "sites"):
        if ("longitude" in site) != ("latitude" in site):
            report.at(("sites", i), "POSITION_HALF", value=str(site.get("name", i)))


def _check_bus(report: Report, path: Path, bus: dict[str, Any], folder: FilePath) -> None:
    if bus.get("protocol") == "modbus":
        _check_line(report, path, bus)
        _check_device_ids(report, path, bus)
    if bus.get("protocol") == "mqtt":
        _check_prefixes(report, path, bus)
    for key, because in _needed(bus):
        if key not in bus:
            report.at((*path, key), "KEY_NEEDED", value=key, because=because)
    _check_files(report, path, bus, folder)


def _needed(bus: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (key, the key that makes it necessary)."""
    secured = bus.get("protocol") == "opcua" and bus.get("policy", "None") != "None"
    pairs = [(key, "policy") for key in _SECURITY] if secured else []
    if "certificate" in bus and not secured:
        pairs.append(("private_key", "certificate"))
    if "password_file" in bus:
        pairs.append(("username", "password_file"))
    return pairs


def _check_files(report: Report, path: Path, bus: dict[str, Any], folder: FilePath) -> None:
    if isinstance(bus.get("password_file"), str):
        check_secret(report, (*path, "password_file"), folder / bus["password_file"])
    for key in _FILES:
        if isinstance(bus.get(key), str) and not (folder / bus[key]).is_file():
            report.at((*path, key), "FILE_REFERENCE", file=str(folder / bus[key]))


def _check_line(report: Report, path: Path, bus: dict[str, Any]) -> None:
    transport = bus.get("transport", "tcp")
    serial = transport == "serial"
    needed, useless = ("path", _SOCKET_KEYS) if serial else ("host", _SERIAL_KEYS)
    if needed not in bus:
        report.at((*path, needed), "KEY_NEEDED", value=needed, because=f"transport: {transport}")
    for key in useless:
        if key in bus:
            report.at((*path, key), "KEY_USELESS", value=key, because=f"transport: {transport}")


def _check_device_ids(report: Report, path: Path, bus: dict[str, Any]) -> None:
    """Every device on a line has its own address; 1 to 247 where frames are RTU frames."""
    seen: dict[int, str] = {}
    rtu = bus.get("transport", "tcp") != "tcp"
    for j, device in mappings(bus, "devices"):
        number, here = device.get("device_id", 1), (*path, "devices", j, "device_id")
        if not isinstance(number, int) or isinstance(number, bool):
            continue
        if rtu and not 1 <= number <= 247:
            report.at(here, "DEVICE_ID_RTU", ("1 … 247",), value=number)
        if number in seen:
            report.at(here, "DEVICE_ID_TWICE", value=number, other=seen[number])
        seen.setdefault(number, str(device.get("name", j)))


def _check_prefixes(report: Report, path: Path, bus: dict[str, Any]) -> None:
    """Two devices of one profile below one prefix would read the same messages."""
    seen: dict[tuple[str, str], str] = {}
    for j, device in mappings(bus, "devices"):
        key = str(device.get("prefix", "")).strip("/"), str(device.get("profile"))
        if key in seen:
            here = (*path, "devices", j, "prefix")
            report.at(here, "PREFIX_TWICE", value=key[0], other=seen[key])
        seen.setdefault(key, str(device.get("name", j)))
