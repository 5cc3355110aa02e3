"""The tree of errors.

FengsuiError                 code + params; the sentence comes from the text catalogue
├── ConfigError              every problem of a file at once: line, key, value, what is allowed
├── DriverError              names the device
│   ├── DeviceUnreachable    no answer: retry with back-off, its points become Bad_NoCommunication
│   └── DeviceRefused        it answered no: those points Bad_ConfigurationError, no reconnect
├── WireError                bytes that are not this format
├── BufferFault              the durable queue
│   ├── BufferFull           quota reached
│   ├── BufferDamaged        a file cannot be read
│   ├── BufferNewer          a later version wrote it
│   └── SalvageUnderway      what is missing may yet be found
├── UplinkError
│   ├── UplinkUnavailable    retry with back-off
│   ├── UplinkRefused        the collector answered no: nothing is forgotten, shown in health
│   └── NotAnAnswer          bytes came back, but not from our collector
├── IngestError              has an HTTP status and a code
└── IllegalTransition        for example acknowledging what is normal: HTTP 409

Foreign exceptions are mapped at one place per driver, with `from`. `retry` says whether trying
again can help. No message of ours repeats a secret.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from protocols.words import Value


class FengsuiError(Exception):
    """Base of all: `code` is a key of the text catalogue, `params` fill its sentence."""

    code: ClassVar[str] = "ERROR"
    retry: ClassVar[bool] = False

    def __init__(self, code: str | None = None, /, **params: Value) -> None:
        self.code = code or type(self).code  # type: ignore[misc]  # narrowed per instance
        self.params: dict[str, Value] = params
        super().__init__(self.code)

    def __str__(self) -> str:
        details = ", ".join(f"{key}={value}" for key, value in self.params.items())
        return f"{self.code}({details})"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in one file.

    `key` is the path in the file (`buses[0].devices[2].unit`), `line` counts from 1 (0: unknown),
    `allowed` what could stand there instead, where that can be listed.
    """

    code: str
    file: str
    line: int
    key: str
    params: Mapping[str, Value] = field(default_factory=dict)
    allowed: tuple[str, ...] = ()


class ConfigError(FengsuiError):
    """A file that cannot be used; carries every problem found, in file order."""

    code = "CONFIG"

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(count=len(problems))
        self.problems = tuple(problems)


class DriverError(FengsuiError):
    """Something between us and a device; `device` is its logical name or the bus's."""

    code = "DRIVER"

    def __init__(self, code: str | None = None, /, *, device: str, **params: Value) -> None:
        super().__init__(code, device=device, **params)
        self.device = device


class DeviceUnreachable(DriverError):
    """Nothing answered in time."""

    code = "DEVICE_UNREACHABLE"
    retry = True


class DeviceRefused(DriverError):
    """The device answered no."""

    code = "DEVICE_REFUSED"


class WireError(FengsuiError):
    """Bytes that do not follow docs/wire.md; `params` say where and what."""

    code = "WIRE"


class BufferFault(FengsuiError):
    """Something about the durable queue."""

    code = "BUFFER"


class BufferFull(BufferFault):
    """The quota is reached."""

    code = "BUFFER_FULL"
    retry = True


class BufferDamaged(BufferFault):
    """A file cannot be read."""

    code = "BUFFER_DAMAGED"


class BufferNewer(BufferFault):
    """A later version wrote this file: it is not touched."""

    code = "BUFFER_FORMAT"


class SalvageUnderway(BufferFault):
    """What is missing of a stream may yet be found in a damaged file."""

    code = "BUFFER_SALVAGING"
    retry = True


class UplinkError(FengsuiError):
    """Something between us and the collector."""

    code = "UPLINK"


class UplinkUnavailable(UplinkError):
    """No connection, or the collector asks to wait."""

    code = "UPLINK_UNAVAILABLE"
    retry = True


class UplinkRefused(UplinkError):
    """The collector answered no; nothing is forgotten."""

    code = "UPLINK_REFUSED"
    retry = True


class NotAnAnswer(UplinkError):
    """Bytes came back, but not from our collector."""

    code = "NOT_AN_ANSWER"
    retry = True


class IngestError(FengsuiError):
    """The collector says no; `status` is the HTTP status.

    `safe` is how much of what `expected` says is held is covered by a verified backup.
    """

    code = "INGEST"

    def __init__(self, code: str, status: int, /, **params: Value) -> None:
        super().__init__(code, **params)
        self.status = status
        self.safe = 0


class IllegalTransition(FengsuiError):
    """The alarm is not in a state that allows this."""

    code = "ILLEGAL_TRANSITION"
