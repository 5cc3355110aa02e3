/** What cannot be seen, and where the sight ends: gateway, device, or the point alone. */

import type { Gateway, GatewayDevice } from "../api/types";

export interface SilentDevice {
  gateway: Gateway;
  device: GatewayDevice;
}

export const isSilent = (device: GatewayDevice): boolean => device.state === "offline";

/** Devices that do not answer, under gateways that do: an offline gateway is one item, never its devices. */
export function silentDevices(gateways: Gateway[]): SilentDevice[] {
  const found: SilentDevice[] = [];
  for (const gateway of gateways) {
    if (gateway.state !== "online") continue;
    for (const bus of gateway.buses) {
      for (const device of bus.devices) if (isSilent(device)) found.push({ gateway, device });
    }
  }
  return found.sort((a, b) => (a.device.since ?? "").localeCompare(b.device.since ?? ""));
}

export type Blind = "gateway" | "device" | "";

/** Whether nothing new can come for a point (`site/gateway/device/point`), and where it stops. */
export function blindness(point: string, gateways: Record<string, Gateway>): Blind {
  const [, name, device] = point.split("/");
  const gateway = gateways[name ?? ""];
  if (!gateway) return "";
  if (gateway.state === "offline") return "gateway";
  const silent = gateway.buses.some((bus) => bus.devices.some((entry) => entry.name === device && isSilent(entry)));
  return silent ? "device" : "";
}
