"""The files of a gauntlet's site: a profile of counted points, gateways, a collector."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.gauntlet.truth import POINTS

DEVICES: Final = 10
PER_DEVICE: Final = 100
PER_GATEWAY: Final = DEVICES * PER_DEVICE
URGENT: Final = 4
"""Points of each gateway's first device that travel on the alarm lane: sealed and sent at once."""
SCAN: Final = 0.35
RATE: Final = int(PER_GATEWAY / SCAN)
"""Readings a second of one gateway that nobody disturbs."""
SITE: Final = "gauntlet"
MOST_GATEWAYS: Final = POINTS // PER_GATEWAY
PROFILES: Final = ("counted", "urgent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where a gateway finds what it talks to, on loopback; `secure`: over TLS, with its key."""

    uplink: int
    plant: int
    health: int
    secure: bool


def gateway_name(number: int) -> str:
    return f"gw-{number}"


def points() -> list[tuple[int, int, int]]:
    """Return `(number within the gateway, device, point)` of all points of one gateway."""
    return [(d * PER_DEVICE + p, d, p) for d in range(DEVICES) for p in range(PER_DEVICE)]


def point_id(point: int) -> str:
    """Return the id of a point of the whole site by its number."""
    gateway, rest = divmod(point, PER_GATEWAY)
    device, number = divmod(rest, PER_DEVICE)
    return f"{SITE}/{gateway_name(gateway)}/d{device}/p{number}"


def write_profiles(folder: Path) -> None:
    """A hundred unsigned 32-bit points; every change is worth reporting."""
    for name in PROFILES:
        lines = [
            "format: v1",
            "protocol: modbus",
            "label: {zh: 计数点, en: Counted points}",
            "vendor: example",
            f"model: {name.upper()}",
            'firmware: "1"',
            "source: 可靠性验证",
            f"scan: {SCAN}",
            "points:",
        ]
        for number in range(PER_DEVICE):
            lines += [
                f"  - name: p{number}",
                f"    label: {{zh: 计数 {number}, en: Count {number}}}",
                "    quantity: point_count",
                "    unit: 个",
                "    type: int",
                "    range: [0, 4294967295]",
                f"    address: {{table: holding, address: {2 * number}, type: uint32}}",
            ]
            if name == "urgent" and number < URGENT:
                lines.append("    lane: alarm")
        (folder / f"{name}.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def edge_config(folder: Path, profiles: Path, number: int, ports: Ports) -> str:
    """Return a gateway's configuration; `folder` is the gateway's own."""
    devices = "\n".join(
        f"      - {{name: d{d}, profile: {PROFILES[d == 0]}, device_id: {d + 1}}}"
        for d in range(DEVICES)
    )
    name = gateway_name(number)
    scheme = "https" if ports.secure else "http"
    token = "" if ports.secure else f"token_file: {folder}/token, "
    return f"""format: v1
gateway: {{name: {name}, label: {{zh: 验证网关 {number}, en: Gateway {number}}}, site: {SITE}}}
collector: {{url: "{scheme}://127.0.0.1:{ports.uplink}", {token}timeout: 5}}
buffer: {{folder: {folder}/buffer}}
health: {{port: {ports.health}}}
profiles: {profiles}
sites:
  - {{name: {SITE}, label: {{zh: 验证场所, en: Gauntlet}}, region: "441502", domain: lifelines}}
buses:
  - name: line
    protocol: modbus
    host: 127.0.0.1
    port: {ports.plant}
    timeout: 2
    devices:
{devices}
"""


def central_config(folder: Path, port: int, backup: Path | None, *, secure: bool) -> str:
    """Return the collector's configuration; backups are made when the gauntlet asks."""
    tls = "own" if secure else "none"
    target = f"backup: {{folder: {backup}, every: manual, keep: 2}}\n" if backup else ""
    listen = f"listen: {{host: 127.0.0.1, port: {port}, tls: {tls}}}\n"
    return f"format: v1\n{listen}database: {folder}/collector.db\n{target}"
