"""A bus's own settings, read once from its options (see the README for what each is for)."""

from dataclasses import dataclass
from typing import Any, Final

from protocols.device import Bus, Device
from protocols.words import Value

TRANSPORTS: Final = ("tcp", "rtu-over-tcp", "serial")
PARITIES: Final = ("N", "E", "O")
MAX_TIMEOUT: Final = 60.0

BITS_PER_CHARACTER: Final = 11
FAST: Final = 19_200
QUIET_CHARACTERS: Final = 3.5
QUIET_FAST: Final = 0.00175
"""Silence between RTU frames: 3.5 characters, 1.75 ms above 19,200 baud (Modbus over Serial Line
V1.02, 2.5.1.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to reach the devices of one bus; times in seconds."""

    transport: str = "tcp"
    host: str = ""
    port: int = 502
    path: str = ""
    baudrate: int = 9_600
    bytesize: int = 8
    parity: str = "N"
    stopbits: int = 1
    timeout: float = 1.0
    pause: float = 0.0
    settle: float = 0.0
    strict_transaction: bool = True

    @property
    def rtu(self) -> bool:
        """Whether frames are RTU frames: device, data, CRC."""
        return self.transport != "tcp"

    @property
    def place(self) -> str:
        """Where the bus is, for people."""
        return self.path if self.transport == "serial" else f"{self.host}:{self.port}"

    @property
    def quiet(self) -> float:
        """Least silence before a request."""
        if self.transport != "serial":
            return self.pause
        if self.baudrate > FAST:
            return max(self.pause, QUIET_FAST)
        return max(self.pause, QUIET_CHARACTERS * BITS_PER_CHARACTER / self.baudrate)


def settings_of(bus: Bus) -> Settings:
    """Return the settings of `bus`. Raises ValueError naming what is wrong."""
    defaults = Settings()
    given: dict[str, Any] = {
        name: _typed(name, bus.option(name, getattr(defaults, name)), getattr(defaults, name))
        for name in Settings.__slots__
    }
    settings = Settings(**given)
    if settings.transport not in TRANSPORTS:
        raise ValueError(f"transport {settings.transport!r} is not one of {', '.join(TRANSPORTS)}")
    needed = "path" if settings.transport == "serial" else "host"
    if not getattr(settings, needed):
        raise ValueError(f"transport {settings.transport} needs {needed}")
    if settings.parity not in PARITIES:
        raise ValueError(f"parity {settings.parity!r} is not one of {', '.join(PARITIES)}")
    if not 0 < settings.timeout <= MAX_TIMEOUT:
        raise ValueError(f"timeout {settings.timeout} is not within 0 to {MAX_TIMEOUT} s")
    return settings


def _typed(name: str, value: Value, default: Value) -> Value:
    if value is None:
        return default
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not type(default):
        raise ValueError(f"{name} {value!r} is not a {type(default).__name__}")
    return value


def device_address(device: Device) -> int:
    """Return the device's address on the bus, 0 to 255. Raises ValueError.

    247 is the last on a serial line; a native TCP device may want 0 or 255.
    """
    number = device.option("device_id", 1)
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= 255:
        raise ValueError(f"address {number!r} of device {device.name} is not within 0 to 255")
    return number
