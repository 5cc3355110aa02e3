"""What a bus's options say about the broker (no I/O but small local files)."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from protocols.device import Bus
from protocols.errors import DeviceUnreachable
from protocols.words import Value

TIMEOUT: Final = 10.0
"""Seconds within which a broker that went silent is found out (8 at the least)."""
PLAIN_PORT: Final = 1883
TLS_PORT: Final = 8883


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Checked options of one bus; the password is read from its file at each open."""

    bus: str
    host: str
    port: int
    timeout: float
    client_id: str
    """Names the session at the broker, which keeps what we have not acknowledged under it."""
    tls: bool = False
    ca_file: Path | None = None
    certificate: Path | None = None
    private_key: Path | None = None
    username: str | None = None
    password_file: Path | None = field(default=None, repr=False)

    @property
    def keep_alive(self) -> int:
        """Seconds of silence before a ping, as long again for its answer; looked at each second.

        Not under three: the broker drops who is late by half, and a look may come a second late.
        """
        return max(3, int((self.timeout - 2) / 2))

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

    def tls_context(self) -> ssl.SSLContext | None:
        """Return how to check the broker's certificate; None is plain. Raises DeviceUnreachable."""
        if not self.tls:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.private_key)
        except (OSError, ssl.SSLError) as exc:
            raise DeviceUnreachable(
                "MQTT_CERTIFICATE_UNREADABLE", device=self.bus, reason=str(exc)
            ) from exc
        return context


def settings_of(bus: Bus) -> Settings:
    """Read the options of `bus`."""
    options = dict(bus.options)
    ca_file = _path(options.get("ca_file"))
    tls = ca_file is not None or options.get("tls") is True
    gateway = next((p.id.gateway for device in bus.devices for p in device.points), "gateway")
    timeout, username = options.get("timeout"), options.get("username")
    port = options.get("port")
    return Settings(
        bus=bus.name,
        host=str(options.get("host") or "127.0.0.1"),
        port=port if isinstance(port, int) else TLS_PORT if tls else PLAIN_PORT,
        timeout=float(timeout) if isinstance(timeout, (int, float)) and timeout > 0 else TIMEOUT,
        client_id=str(options.get("client_id") or f"fengsui-{gateway}-{bus.name}"),
        tls=tls,
        ca_file=ca_file,
        certificate=_path(options.get("certificate")),
        private_key=_path(options.get("private_key")),
        username=None if username is None else str(username),
        password_file=_path(options.get("password_file")),
    )


def _path(value: Value) -> Path | None:
    return Path(str(value)) if value else None
