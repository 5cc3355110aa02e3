"""The collector's configuration: a strict YAML file into a frozen struct.

Every key: config/central.example.yaml.
`python -m central.config` writes its JSON schema for editors.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import Field

from central.alarms.settings import Acting, AlarmsModel
from central.calendar.holidays import Holidays
from central.calendar.settings import CalendarModel, check_calendar, own_holidays
from central.evidence.keeping import EvidenceModel, Keeping, check_evidence
from central.guard.settings import GuardsModel, Limits, check_guards
from central.rules.settings import RulesModel, check_rules
from central.rules.threshold_sets import shipped
from central.store.tiers.keeping import StoreKeeping, StoreModel, check_store
from central.tls.settings import NONE, GivenModel, Tls, TlsForm, check_tls, settings
from protocols.clock import HOUR, MINUTE
from protocols.enrolment import web_address
from protocols.schema.editors import schema_text, write
from protocols.schema.fields import Choice, Format, Line, Matching, Name, Strict
from protocols.schema.patterns import HOST
from protocols.schema.report import Report
from protocols.schema.yaml_source import read

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
DEFAULT_PORT: Final = 8000


EVERY: Final = re.compile(r"([1-9][0-9]{0,3})(m|h|d)|manual")
SIZE: Final = re.compile(r"([1-9][0-9]{0,5})(MiB|GiB)|auto")
_SIZES: Final = {"MiB": 20, "GiB": 30}
_UNITS: Final = {"m": MINUTE, "h": HOUR, "d": 24 * HOUR}
SHORTEST: Final = 10 * MINUTE
LONGEST: Final = 31 * 24 * HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupTarget:
    """Where verified copies go; `every` µs of the clock (None: only when asked).

    `identity`: with the collector's own key, id and CA. `form`: each a whole file (`full`), or
    blocks that backups share (`incremental`).
    """

    folder: Path
    every: int | None = 24 * HOUR
    keep: int = 7
    identity: bool = True
    form: str = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class CentralConfig:
    """Everything the collector needs to run. `cables`: gateway to control URL, demo only.

    `url`: where gateways and people on other machines find the collector, as far as that is said.
    """

    file: Path
    database: Path
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    allow_plain_http: bool = False
    tls: Tls | None = None
    url: str | None = None
    cables: tuple[tuple[str, str], ...] | None = None
    backup: BackupTarget | None = None
    evidence: Keeping = field(default_factory=Keeping)
    store: StoreKeeping = field(default_factory=StoreKeeping)
    reserve: int | None = None
    """Bytes kept free on the database's disk; None: by the disk's size (`central.space`)."""
    guards: Limits = field(default_factory=Limits)
    alarms: Acting = field(default_factory=Acting)
    holidays: Holidays = field(default_factory=own_holidays)
    threshold_sets: Path | None = field(default_factory=shipped)
    """The folder of the threshold sets that are offered; None: none are."""


Host = Annotated[str, Matching("HOST_FORMAT", HOST)]


class ListenModel(Strict):
    """Where pages, interface and gateways find the collector; port 0 takes a free one."""

    host: Host = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = DEFAULT_PORT
    tls: Annotated[GivenModel | str, TlsForm()] = NONE
    names: list[Host] = Field(default_factory=list, max_length=16)
    url: Line | None = None
    allow_plain_http: bool = False


class DemoModel(Strict):
    """What only a demonstration has: cables that can be pulled from the page."""

    cables: Annotated[dict[Name, Line], Field(min_length=1)]


class BackupModel(Strict):
    """Where verified copies of the database go, how often, and how many are kept."""

    folder: Line
    every: Annotated[str, Matching("EVERY_FORMAT", EVERY)] = "24h"
    keep: Annotated[int, Field(ge=1, le=1_000)] = 7
    identity: Annotated[str, Choice(("include", "leave_out"))] = "include"
    form: Annotated[str, Choice(("full", "incremental"))] = "full"

    def target(self, base: Path) -> BackupTarget:
        """Return the frozen struct; `folder` is relative to `base`."""
        return BackupTarget(
            folder=base / self.folder,
            every=_every(self.every),
            keep=self.keep,
            identity=self.identity == "include",
            form=self.form,
        )


class DiskModel(Strict):
    """How much of the database's disk is kept free."""

    reserve: Annotated[str, Matching("SIZE_FORMAT", SIZE)] = "auto"

    def bytes(self) -> int | None:
        """Return it; None: by the disk's size."""
        found = SIZE.fullmatch(self.reserve)
        if found is None or found[1] is None:
            return None
        return int(found[1]) << _SIZES[found[2]]


class CentralModel(Strict):
    """The file, key by key."""

    format: Format
    database: Line
    listen: ListenModel = ListenModel()
    backup: BackupModel | None = None
    evidence: EvidenceModel = EvidenceModel()
    store: StoreModel = StoreModel()
    disk: DiskModel = DiskModel()
    guards: GuardsModel = GuardsModel()
    alarms: AlarmsModel = AlarmsModel()
    rules: RulesModel = RulesModel()
    calendar: CalendarModel = CalendarModel()
    demo: DemoModel | None = None


def load_config(path: Path) -> CentralConfig:
    """Return the configuration in `path`. Raises ConfigError with every problem."""
    report = Report(read(path))
    data = report.source.data
    model = report.check(CentralModel, data) if isinstance(data, dict) else None
    if not isinstance(data, dict):
        report.at((), "TYPE_MAPPING")
    _check_listen(report, data, path.parent)
    _check_cables(report, data)
    _check_backup(report, data, path.parent)
    check_evidence(report, data)
    check_store(report, data)
    check_guards(report, data)
    holidays = check_calendar(report, data, path.parent)
    threshold_sets = check_rules(report, data, path.parent)
    report.finish()
    if model is None:
        raise AssertionError("a file without problems has a model")
    return CentralConfig(
        file=path,
        database=path.parent / model.database,
        host=model.listen.host,
        port=model.listen.port,
        allow_plain_http=model.listen.allow_plain_http,
        tls=settings(model.listen.tls, model.listen.host, model.listen.names, path.parent),
        url=model.listen.url.rstrip("/") if model.listen.url else None,
        cables=tuple(sorted(model.demo.cables.items())) if model.demo else None,
        backup=model.backup.target(path.parent) if model.backup else None,
        evidence=model.evidence.keeping(),
        store=model.store.keeping(),
        reserve=model.disk.bytes(),
        guards=model.guards.limits(),
        alarms=model.alarms.acting(),
        holidays=holidays,
        threshold_sets=threshold_sets,
    )


def _check_listen(report: Report, data: Any, base: Path) -> None:
    """Plain HTTP beyond this machine must be asked for by name; TLS files must be usable."""
    listen = data.get("listen") if isinstance(data, dict) else None
    if not isinstance(listen, dict):
        return
    check_tls(report, listen, base)
    _check_url(report, listen)
    host = listen.get("host", "127.0.0.1")
    if (
        listen.get("tls", NONE) == NONE
        and isinstance(host, str)
        and host not in LOOPBACK
        and listen.get("allow_plain_http") is not True
    ):
        report.at(("listen", "host"), "LISTEN_PLAIN_HTTP", sorted(LOOPBACK))


def _check_url(report: Report, listen: dict[str, Any]) -> None:
    """The address gateways dial names a scheme and a host, and nothing behind the port."""
    url = listen.get("url")
    if not isinstance(url, str):
        return
    if not web_address(url) or urlsplit(url)._replace(scheme="", netloc="").geturl() not in "/":
        report.at(("listen", "url"), "LISTEN_URL", ["https://collector.example.cn:8000"])
    elif listen.get("tls", NONE) != NONE and urlsplit(url).scheme != "https":
        report.at(("listen", "url"), "LISTEN_URL_PLAIN", ["https://"])


def _check_cables(report: Report, data: Any) -> None:
    demo = data.get("demo") if isinstance(data, dict) else None
    cables = demo.get("cables") if isinstance(demo, dict) else None
    for gateway, url in cables.items() if isinstance(cables, dict) else ():
        if not isinstance(url, str):
            continue
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname not in LOOPBACK:
            report.at(("demo", "cables", gateway), "CABLE_URL", ["http://127.0.0.1:<port>/"])


def _check_backup(report: Report, data: Any, base: Path) -> None:
    """Copies beside the original would go with it; the span must be one that makes sense."""
    backup = data.get("backup") if isinstance(data, dict) else None
    if not isinstance(backup, dict):
        return
    every, folder, database = backup.get("every"), backup.get("folder"), data.get("database")
    if isinstance(every, str) and EVERY.fullmatch(every):
        span = _every(every)
        if span is not None and not SHORTEST <= span <= LONGEST:
            report.at(("backup", "every"), "EVERY_RANGE", ["10m … 31d", "manual"])
    if isinstance(folder, str) and isinstance(database, str):
        own = (base / database).parent.resolve()
        chosen = (base / folder).resolve()
        if chosen == own or own in chosen.parents:
            report.at(("backup", "folder"), "BACKUP_IN_DATA", folder=str(own))


def _every(text: str) -> int | None:
    found = EVERY.fullmatch(text)
    if found is None or found[1] is None:
        return None
    return int(found[1]) * _UNITS[found[2]]


def schema() -> str:
    """Return the JSON schema of the file."""
    return schema_text("Fengsui collector v1 平台配置", CentralModel.model_json_schema())


if __name__ == "__main__":
    print(write("central-v1.schema.json", schema()))
