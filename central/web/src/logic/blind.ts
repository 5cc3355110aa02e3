/** Devices that do not answer, under gateways that do: an offline gateway is one item, never its devices. */

import type { Gateway, GatewayDevice } from "../api/types";

export interface SilentDevice {
  gateway: Gateway;
  device: GatewayDevice;
}

export const isSilent = (device: GatewayDevice): boolean => device.state === "offline";

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
