"""What a bus's options say about the server and how to reach it (no I/O but small local files)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from protocols.device import Bus
from protocols.errors import DeviceRefused, DeviceUnreachable
from protocols.words import Value

TIMEOUT: Final = 10.0
"""Seconds without any sign of life after which the link counts as lost."""

POLICIES: Final = ("Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss")
"""OPC 10000-7 calls Basic128Rsa15 and Basic256 deprecated: broken hashes, refused here."""

MODES: Final = ("Sign", "SignAndEncrypt")

PUBLISH_SLOWEST: Final = 0.25
PUBLISH_FASTEST: Final = 0.05
"""Seconds between publishes asked for: the scan within these bounds. Empty ones cost nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """A secured channel. Both ends are pinned: encrypting to whoever answers protects nothing."""

    policy: str
    mode: str
    certificate: Path
    private_key: Path
    server_certificate: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Checked options of one bus; the password is read from its file at each open."""

    bus: str
    endpoint: str
    timeout: float
    publish: float
    username: str | None = None
    password_file: Path | None = field(default=None, repr=False)
    security: Security | None = None

    def password(self) -> str | None:
        """Return the password, or None without a file. Raises DeviceUnreachable."""
        if self.password_file is None:
            return None
        try:
            return self.password_file.read_text(encoding="utf-8").strip("\r\n")
        except (OSError, UnicodeDecodeError) as exc:
            raise DeviceUnreachable(
                "PASSWORD_FILE_UNREADABLE", device=self.bus, file=str(self.password_file)
            ) from exc


def settings_of(bus: Bus) -> Settings:
    """Read the options of `bus`. Raises DeviceRefused for what must not be tried."""
    options = dict(bus.options)
    password_file = options.get("password_file")
    scans = [device.scan for device in bus.devices] or [PUBLISH_SLOWEST]
    return Settings(
        bus=bus.name,
        endpoint=str(options.get("endpoint") or ""),
        timeout=_seconds(options.get("timeout")),
        publish=min(PUBLISH_SLOWEST, max(PUBLISH_FASTEST, min(scans))),
        username=_text(options.get("username")),
        password_file=Path(str(password_file)) if password_file else None,
        security=_security(bus.name, options),
    )


def _seconds(value: Value) -> float:
    return float(value) if isinstance(value, (int, float)) and value > 0 else TIMEOUT


def _text(value: Value) -> str | None:
    return None if value is None else str(value)


def _security(bus: str, options: Mapping[str, Value]) -> Security | None:
    policy = str(options.get("policy") or "None")
    if policy == "None":
        return None
    if policy not in POLICIES:
        raise DeviceRefused(
            "OPCUA_POLICY_REFUSED", device=bus, policy=policy, allowed=", ".join(POLICIES)
        )
    mode = str(options.get("mode") or "SignAndEncrypt")
    if mode not in MODES:
        raise DeviceRefused("OPCUA_MODE_REFUSED", device=bus, mode=mode, allowed=", ".join(MODES))
    files = {}
    for key in ("certificate", "private_key", "server_certificate"):
        if not options.get(key):
            raise DeviceRefused("OPCUA_CERTIFICATE_MISSING", device=bus, key=key, policy=policy)
        files[key] = Path(str(options[key]))
    return Security(policy=policy, mode=mode, **files)
