// A small plant for the mock collector: four sites, two gateways, values as functions of story time.

const label = (zh, en = "") => ({ zh, en });

export const SITES = [
  { name: "qingyun", label: label("青云水库（示例）", "Qingyun reservoir (example)"), region: "441523", domain: "flood_drought", longitude: 115.62, latitude: 23.27 },
  { name: "honghaiwan", label: label("红海湾示例储运油库", "Honghaiwan example depot"), region: "441502-HHW", domain: "hazardous_chemicals", longitude: 115.57, latitude: 22.68 },
  { name: "jinting", label: label("金町湾示例花园", "Jintingwan example garden"), region: "441502", domain: "construction", longitude: 115.33, latitude: 22.76 },
  { name: "haifeng", label: label("海丰示例商业广场", "Haifeng example mall"), region: "441521", domain: "urban_fire", longitude: 115.32, latitude: 22.97 },
];

export const GATEWAYS = [
  { name: "gw-qingyun", label: label("青云水库网关", "Qingyun gateway"), site: "qingyun" },
  { name: "gw-honghaiwan", label: label("红海湾网关", "Honghaiwan gateway"), site: "honghaiwan" },
];

const LADDER = { source: "罐区设计文件", clause: "4.2 条", status: "E", confirmed_by: "示例", confirmed_on: "2026-06-01", valid_from: null, valid_to: null, active: true, deadband: 0.05, on_delay: 5, off_delay: 30 };
const level = (name, colour, op, limit, more = {}) => ({ ...LADDER, name, name_en: "", colour, op, limit, ...more });
const wave = (middle, swing, period) => (t) => middle + swing * Math.sin((t / period) * 2 * Math.PI);
const ramp = (from, to, seconds, hold = 600) => (t) => {
  const at = t % (seconds + hold);
  return from + (to - from) * Math.min(1, at / seconds);
};

// site, gateway, device, point, label, unit, low, high, decimals, value(t), limits, more
const rows = [
  ["qingyun", "gw-qingyun", "reservoir", "rsv-wl", label("库水位", "Reservoir level"), "m", 40, 62, 2, ramp(56.78, 56.95, 900), [level("汛限水位", "blue", ">=", 56.5, { source: "水库调度规程（示例）", clause: "3.3 条", valid_from: "04-15", valid_to: "06-30" }), level("汛限+0.40", "yellow", ">=", 56.9, { source: "示例值", clause: null }), level("设计洪水位", "orange", ">=", 59.63, { source: "水库调度规程（示例）", clause: "3.1 条" }), level("校核洪水位", "red", ">=", 60.71, { source: "水库调度规程（示例）", clause: "3.1 条" })], { object: "reservoir", object_label: label("青云水库") }],
  ["qingyun", "gw-qingyun", "reservoir", "gate-1", label("1# 闸门开度", "Gate 1 opening"), "m", 0, 3.5, 2, () => 0, []],
  ["qingyun", "gw-qingyun", "reservoir", "seepage", label("渗流量", "Seepage"), "L/s", 0, 50, 1, wave(2.4, 0.1, 300), [level("H", "yellow", ">=", 4), level("HH", "orange", ">=", 8)]],
  ["qingyun", "gw-qingyun", "reservoir", "rain-1", label("1 小时雨量 1#", "Rain 1 h no. 1"), "mm", 0, 200, 1, wave(28, 1, 200), [level("H", "yellow", ">=", 30), level("HH", "orange", ">=", 50)]],
  ["qingyun", "gw-qingyun", "reservoir", "rain-2", label("1 小时雨量 2#", "Rain 1 h no. 2"), "mm", 0, 200, 1, wave(27, 1.4, 260), []],
  ["qingyun", "gw-qingyun", "reservoir", "p1", label("坝体渗压 P1", "Pore pressure P1"), "kPa", 0, 350, 1, wave(160, 0.5, 400), []],
  ["qingyun", "gw-qingyun", "reservoir", "p2", label("坝体渗压 P2", "Pore pressure P2"), "kPa", 0, 350, 1, () => null, [], { bad: [0x808c0000, "BAD_SENSOR_FAILURE"] }],
  ["honghaiwan", "gw-honghaiwan", "tankfarm", "lt-101", label("液位", "Level"), "m", 0, 16, 3, ramp(13.62, 13.97, 900), [level("LL", "red", "<=", 1.9), level("L", "yellow", "<=", 2.2), level("H", "yellow", ">=", 13.0), level("HH", "red", ">=", 13.8)], { object: "tk-101", object_label: label("TK-101 汽油罐", "TK-101 petrol tank") }],
  ["honghaiwan", "gw-honghaiwan", "tankfarm", "tt-101", label("罐温", "Tank temperature"), "°C", -20, 80, 1, wave(28.4, 0.3, 500), [level("H", "yellow", ">=", 40), level("HH", "red", ">=", 45)], { object: "tk-101", object_label: label("TK-101 汽油罐", "TK-101 petrol tank") }],
  ["honghaiwan", "gw-honghaiwan", "tankfarm", "pt-201", label("V-201 罐压", "V-201 pressure"), "MPa", 0, 2.5, 2, wave(0.86, 0.02, 200), [level("H", "yellow", ">=", 1.2), level("HH", "red", ">=", 1.4)]],
  ["honghaiwan", "gw-honghaiwan", "gascontroller", "gds-101", label("可燃气体 GDS-101", "Gas GDS-101"), "%LEL", 0, 100, 0, wave(3, 1, 120), [level("一级", "yellow", ">=", 25), level("二级", "red", ">=", 50)]],
  ["honghaiwan", "gw-honghaiwan", "gascontroller", "gds-102", label("可燃气体 GDS-102", "Gas GDS-102"), "%LEL", 0, 100, 0, wave(2, 1, 150), [level("一级", "yellow", ">=", 25), level("二级", "red", ">=", 50)], { uncertain: [0x40930000, "UNCERTAIN_SENSOR_NOT_ACCURATE"] }],
  ["honghaiwan", "gw-honghaiwan", "gascontroller", "gds-103", label("可燃气体 GDS-103", "Gas GDS-103"), "%LEL", 0, 100, 0, wave(27, 2, 180), [level("一级", "yellow", ">=", 25), level("二级", "red", ">=", 50)]],
  ["honghaiwan", "gw-honghaiwan", "gascontroller", "xv-101", label("XV-101 阀位", "XV-101 valve"), "", null, null, 0, () => 1, [], { type: "enum", enumeration: [{ value: 0, label: label("关", "Closed") }, { value: 1, label: label("开", "Open") }] }],
  ["honghaiwan", "gw-honghaiwan", "gascontroller", "wind", label("风速", "Wind"), "m/s", 0, 40, 1, wave(2.1, 0.7, 90), []],
  ["jinting", "gw-honghaiwan", "crane-3", "moment", label("力矩百分比", "Load moment"), "%", 0, 130, 1, wave(92, 12, 240), [level("H", "yellow", ">=", 90), level("超载", "orange", ">=", 100)], { object: "crane-3", object_label: label("3# 塔机", "Tower crane 3") }],
  ["jinting", "gw-honghaiwan", "crane-3", "wind", label("风速", "Wind"), "m/s", 0, 40, 1, wave(7.8, 1.9, 100), [level("H", "yellow", ">=", 13.8), level("停机", "orange", ">=", 20)]],
  ["jinting", "gw-honghaiwan", "crane-3", "tilt", label("倾角", "Tilt"), "°", -5, 5, 2, wave(0.12, 0.05, 130), [level("H", "yellow", ">=", 0.5), level("HH", "orange", ">=", 1)]],
  ["haifeng", "gw-honghaiwan", "panel", "smoke-02-037", label("感烟 02-037", "Smoke 02-037"), "", null, null, 0, (t) => t % 700 > 200, [level("火警", "yellow", "=", 1)], { type: "bool", enumeration: [{ value: 0, label: label("正常", "Normal") }, { value: 1, label: label("动作", "Active") }], object: "loop-2", object_label: label("3F 消防主机", "3F fire panel") }],
  ["haifeng", "gw-honghaiwan", "panel", "end-pressure", label("末端水压", "End pressure"), "MPa", 0, 1.6, 2, wave(0.42, 0.01, 100), [level("L", "yellow", "<=", 0.1)]],
  ["haifeng", "gw-honghaiwan", "panel", "main-power-fault", label("主电故障", "Main power fault"), "", null, null, 0, () => false, [], { type: "bool", enumeration: [{ value: 0, label: label("正常", "Normal") }, { value: 1, label: label("故障", "Fault") }] }],
];

const DEVICES = { reservoir: label("水库测报系统", "Reservoir telemetry"), tankfarm: label("罐区 PLC", "Tank farm PLC"), gascontroller: label("气体控制器", "Gas controller"), "crane-3": label("3# 塔机黑匣子", "Crane 3 recorder"), panel: label("火灾报警控制器", "Fire alarm panel"), "wind-mast": label("测风仪", "Wind mast") };
const BUSES = { "gw-qingyun": [["opcua-1", "opcua", ["reservoir"]]], "gw-honghaiwan": [["tcp-1", "modbus_tcp", ["tankfarm", "gascontroller"]], ["mqtt-1", "mqtt", ["crane-3", "wind-mast"]], ["rtu-1", "modbus_rtu", ["panel"]]] };

export const POINTS = rows.map(([site, gateway, device, name, text, unit, low, high, decimals, value, limits, more = {}]) => ({
  value,
  bad: more.bad,
  uncertain: more.uncertain,
  public: {
    id: `${site}/${gateway}/${device}/${name}`,
    site,
    gateway,
    device,
    label: text,
    device_label: DEVICES[device],
    object: more.object ?? null,
    object_label: more.object_label ?? null,
    quantity: name,
    unit,
    low,
    high,
    type: more.type ?? "float",
    decimals,
    stale: 30,
    enumeration: more.enumeration ?? [],
    limits,
  },
}));

export const buses = (gateway, online, since) =>
  BUSES[gateway].map(([name, protocol, devices]) => ({
    name,
    protocol,
    state: online ? "online" : "unknown",
    devices: devices.map((device) => ({ name: device, label: DEVICES[device], state: device === "wind-mast" && online ? "offline" : "online", since })),
  }));
