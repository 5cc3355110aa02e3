"""`listen.tls` of the configuration: `own`, `none`, or files that somebody else's CA has made.

Whatever is wrong with given files is a problem of the configuration, with its line; that one of
them has expired is not: it is told while the collector runs, which no date should prevent.
"""

import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, Final, TypeVar

from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from protocols.errors import FengsuiError
from protocols.schema.fields import Line, Strict
from protocols.schema.report import Report
from protocols.schema.yaml_source import Path
from protocols.tls.reading import must_fit, read_certificates, read_key

OWN: Final = "own"
NONE: Final = "none"
FORMS: Final = (OWN, NONE, "{certificate: FILE, key: FILE, ca: FILE}")
HERE: Final = ("localhost", "127.0.0.1", "::1")
"""Also for who sits at the collector itself."""
EVERYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104  # not names
_AT: Final[Path] = ("listen", "tls")

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTls:
    """A CA of the collector's own; its certificate is also for `names`."""

    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenTls:
    """Files in PEM. `ca`: what gateways trust; None: what their machines trust anyway."""

    certificate: FilePath
    key: FilePath
    ca: FilePath | None = None


Tls = OwnTls | GivenTls


class GivenModel(Strict):
    """A certificate somebody else's CA has made, its private key, and that CA."""

    certificate: Line
    key: Line
    ca: Line | None = None


class TlsForm:
    """Annotates `listen.tls`: a word or a mapping."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        inner = handler.generate_schema(GivenModel)
        shown = core_schema.plain_serializer_function_ser_schema(lambda value: value)
        return core_schema.no_info_wrap_validator_function(self._take, inner, serialization=shown)

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> Any:
        return {"anyOf": [{"type": "string", "enum": [OWN, NONE]}, handler(core["schema"])]}

    def _take(self, value: Any, handler: Callable[[Any], GivenModel]) -> GivenModel | str:
        if value in (OWN, NONE):
            return str(value)
        if not isinstance(value, dict):
            raise PydanticCustomError("TLS_FORM", "tls", {"allowed": FORMS})
        return handler(value)


def settings(tls: GivenModel | str, host: str, names: list[str], base: FilePath) -> Tls | None:
    """Return the frozen struct; `host` is listened on, files are relative to `base`."""
    if isinstance(tls, GivenModel):
        return GivenTls(
            certificate=base / tls.certificate,
            key=base / tls.key,
            ca=None if tls.ca is None else base / tls.ca,
        )
    known = (*names, *(() if host in EVERYWHERE else (host,)), *HERE)
    return OwnTls(names=tuple(dict.fromkeys(known))) if tls == OWN else None


def check_tls(report: Report, listen: dict[str, Any], base: FilePath) -> None:
    """Name what is wrong with the files and with keys that would have no effect."""
    tls = listen.get("tls", NONE)
    if tls != NONE and listen.get("allow_plain_http") is True:
        report.at(("listen", "allow_plain_http"), "TLS_AND_PLAIN")
    if tls != OWN and "names" in listen:
        report.at(("listen", "names"), "TLS_NAMES_USELESS")
    if not isinstance(tls, dict):
        return
    found = {
        key: pem
        for key in ("certificate", "key", "ca")
        if isinstance(name := tls.get(key), str)
        and (pem := _read(report, key, base / name)) is not None
    }
    _check_pair(report, tls, found)
    if "ca" in found:
        _check_part(report, "ca", lambda: read_certificates(found["ca"]))


def _check_pair(report: Report, tls: dict[str, Any], found: dict[str, bytes]) -> None:
    chain = key = None
    if "certificate" in found:
        chain = _check_part(report, "certificate", lambda: read_certificates(found["certificate"]))
    if "key" in found:
        key = _check_part(report, "key", lambda: read_key(found["key"]))
    if chain is not None and key is not None:
        try:
            must_fit(chain[0], key)
        except FengsuiError as exc:
            report.at((*_AT, "key"), exc.code, certificate=str(tls["certificate"]))


def _check_part(report: Report, key: str, read: Callable[[], Found]) -> Found | None:
    try:
        return read()
    except FengsuiError as exc:
        report.at((*_AT, key), exc.code)
        return None


def _read(report: Report, key: str, file: FilePath) -> bytes | None:
    try:
        if key == "key" and (mode := stat.S_IMODE(file.stat().st_mode)) & 0o077:
            report.at((*_AT, key), "TLS_KEY_OPEN", mode=f"{mode:03o}")
        return file.read_bytes()
    except OSError as exc:
        report.at((*_AT, key), "TLS_FILE_UNREADABLE", reason=exc.strerror or str(exc))
        return None
