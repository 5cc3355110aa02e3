// A collector for page work: serves dist/ and the API with moving values. Not part of the product.
//   npm run build && PORT=8010 npm run mock        then open the printed address
//   CALM=1  no alarms     EMPTY=1  nothing registered yet     REAL=1  no story clock
import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { GATEWAYS, POINTS, SITES, buses } from "./plant.mjs";

const DIST = new URL("../dist/", import.meta.url).pathname;
const PORT = Number(process.env.PORT ?? 8010);
const { CALM, EMPTY, REAL } = process.env;
const FACTOR = REAL ? 1 : 5;
const STORY = Date.parse("2026-06-12T22:06:30+08:00");
const began = Date.now();
const now = () => (REAL ? Date.now() : STORY + (Date.now() - began) * FACTOR);
const iso = (ms) => new Date(ms).toISOString();
const clock = () => ({ now: iso(now()), factor: FACTOR, story: !REAL });
const cut = {};
const acknowledged = {};
const streams = new Set();

const points = EMPTY ? [] : POINTS;
const heard = (gateway) => (cut[gateway] ? cut[gateway] : now());
function latest(point) {
  const at = heard(point.public.gateway) - (point.public.id.length % 4) * 700;
  const [code, reason] = point.bad ?? point.uncertain ?? [0, null];
  const kind = point.bad ? "bad" : point.uncertain ? "uncertain" : "good";
  return { point: point.public.id, value: point.value(at / 1000), quality: { code, class: kind, reason }, source_time: iso(at), received_time: iso(at + 400), late: false, estimated: false };
}

const CASES = [
  ["lt-101", "HH", 74, "UNACK", 1],
  ["moment", "超载", 262, "UNACK", 3],
  ["smoke-02-037", "火警", 31, "UNACK", 1],
  ["gds-103", "一级", 410, "RTN_UNACK", 1],
  ["rsv-wl", "汛限水位", 4260, "ACKED", 1],
  ["rain-1", "H", 6600, "ACKED", 2],
];
const opened = now();
function episode([name, levelName, ago, state, occurrence]) {
  const point = points.find((candidate) => candidate.public.id.endsWith(`/${name}`));
  if (!point) return null;
  const p = point.public;
  const site = SITES.find((candidate) => candidate.name === p.site);
  const id = `A-20260612-${p.device}-${name}`;
  const seen = latest(point);
  const ack = acknowledged[id] ?? (state === "ACKED" ? { by: "陈志航", at: iso(opened - 300_000), comment: "已通知现场" } : null);
  const standing = ack && state === "UNACK" ? "ACKED" : ack && state === "RTN_UNACK" ? "NORMAL" : state;
  return {
    id, rule: `${p.id}:high`, point: p.id, site: p.site, site_label: site.label, region: site.region, object: p.object, object_label: p.object_label,
    device: p.device, device_label: p.device_label, label: p.label, quantity: p.quantity, unit: p.unit, decimals: p.decimals,
    level: p.limits.find((candidate) => candidate.name === levelName), state: standing, raised: iso(opened - ago * 1000),
    returned: state === "RTN_UNACK" ? iso(opened - 60_000) : null, closed: standing === "NORMAL" ? iso(now()) : null, acknowledged: ack,
    value: seen.value, value_time: seen.source_time, value_quality: seen.quality, value_at_raise: seen.value, occurrence, late: name === "rain-1", purpose: "production",
    origin: "centre", confirmation: "", overlays: [], verification: null, comments: 0, message: null, chattering: false, first_up: null, unknown_since: null, fault: null,
    time_to_next: name === "rsv-wl" ? { level: "汛限+0.40", limit: 56.9, seconds: 140 } : null,
  };
}
const episodes = () => (CALM || EMPTY ? [] : CASES.map(episode).filter(Boolean));
const open = () => episodes().filter((item) => item.state !== "NORMAL");
const counted = (list) => Object.fromEntries(["red", "orange", "yellow", "blue"].map((colour) => [colour, list.filter((item) => item.level.colour === colour).length]));
const waits = (item) => item.state === "UNACK" || item.state === "RTN_UNACK";

const BUFFERS = {
  "gw-qingyun": {
    bytes: 8.1e9, quota_bytes: 8.2e9, hours_left: 9.4, medium: "memory", failing: "BUFFER_IO", reserve_only: true,
    drops: { thinned: 128400, not_yet_backed_up: 5200, memory: 0 },
  },
};

const gateway = (item) => {
  const gone = cut[item.name];
  const own = points.filter((point) => point.public.gateway === item.name);
  return {
    ...item, state: gone ? "offline" : "online", last_contact: iso(heard(item.name) - 800), offline_since: gone ? iso(gone + 5000) : null,
    buffer: BUFFERS[item.name] ?? { bytes: 3.1e8, quota_bytes: 2.4e10, hours_left: 1250, medium: "ok", failing: null, reserve_only: false, drops: {} },
    backlog: { readings: gone ? Math.round(((now() - gone) / 1000) * 7) : 0, oldest: gone ? iso(gone) : null, alarm_readings: gone ? 2 : 0 },
    purpose: "production", version: "0.1.0", clock: { state: "story", reason: null, offset_seconds: 0.01, within_seconds: 0.02, maximum_error_seconds: null, pauses: 0, grade: null }, points: own.length, devices: buses(item.name, true, null).flatMap((bus) => bus.devices).length,
    buses: buses(item.name, !gone, iso(opened - 900_000)),
  };
};
const gateways = () => (EMPTY ? [] : GATEWAYS.map(gateway));

function overview() {
  const list = open();
  const ages = points.map((point) => (now() - Date.parse(latest(point).source_time)) / 1000);
  const edges = [10, 60, 300, 1800, 7200, null];
  return {
    now: iso(now()), levels: counted(list), unacknowledged: list.filter(waits).length, gateways: { total: gateways().length, offline: Object.values(cut).filter(Boolean).length }, points: points.length,
    platform: { ingest_p99_ms: 41, backlog_readings: gateways().reduce((sum, item) => sum + item.backlog.readings, 0), backup: "not_configured", backup_time: null, backup_bytes: null, backup_running: false, backup_identity: null, evidence_bytes: 1_234_567_890, evidence_oldest: iso(now() - 29 * 86_400_000), readings_per_s: 21, loss_today: 0, quarantined_today: 0, last_evaluation: EMPTY ? null : iso(now() - 600) },
    sites: EMPTY ? [] : SITES.map((site) => {
      const own = list.filter((item) => item.site === site.name);
      const counts = counted(own);
      return { ...site, worst: ["red", "orange", "yellow", "blue"].find((colour) => counts[colour]) ?? null, open: own.length, unacknowledged: own.filter(waits).length, levels: counts, blind: points.filter((point) => point.public.site === site.name).every((point) => cut[point.public.gateway]), points: points.filter((point) => point.public.site === site.name).length };
    }),
    timeliness: edges.map((upto_s, index) => ({ upto_s, count: ages.filter((age) => age <= (upto_s ?? 1e12) && age > (index ? edges[index - 1] : -1)).length })),
  };
}

function bucketed(point, from, to, count) {
  const width = (to - from) / count;
  const columns = { time: [], min: [], max: [], mean: [], last: [], count: [], quality: [], late: [], estimated: [] };
  for (let at = from; at < Math.min(to, heard(point.public.gateway)); at += width) {
    if (at > to - 1_500_000 && at < to - 1_260_000) continue; // four minutes nobody measured
    const value = Number(point.value(at / 1000));
    columns.time.push(iso(at));
    columns.min.push(value - 0.004); columns.max.push(value + 0.004); columns.mean.push(value); columns.last.push(value);
    columns.count.push(10); columns.quality.push(0); columns.late.push(0); columns.estimated.push(0);
  }
  return { columns };
}

function alarms(query) {
  const state = query.get("state") ?? "open";
  const list = state === "history" ? episodes().filter((item) => item.state === "NORMAL") : open().filter((item) => state === "open" || waits(item));
  return { items: state === "shelved" || state === "suppressed" || state === "out_of_service" ? [] : list, total: list.length, next: null, more: false };
}
const FLOOD = { whole: true, on: false, began: null, alarms: 0, recent: 0, operators: 1, window_minutes: 10, on_above: 10, off_below: 5, history: [] };
const QUIET = { "/alarms/overlays": { items: [] }, "/alarms/shelf-requests": { items: [] }, "/alarms/flood": FLOOD, "/backfills": { items: [], next: null }, "/faults": { items: [], total: 0, next: null, more: false } };
const journal = (item) => [
  { time: item.raised, recorded: item.raised, event: "RAISE", level: item.level.name, value: item.value_at_raise, actor: null, comment: null },
  ...(item.acknowledged ? [{ time: item.acknowledged.at, recorded: item.acknowledged.at, event: "ACK", level: null, value: null, actor: item.acknowledged.by, comment: item.acknowledged.comment }] : []),
];
const EVENTS = [{ id: "2", time: iso(opened - 900_000), kind: "fault", code: "DEVICE_UNREACHABLE", subject: "jinting/gw-honghaiwan/wind-mast", params: { device: "wind-mast" } }];
EVENTS.unshift(
  { id: "5", time: iso(opened - 60_000), kind: "security", code: "PROOF_REFUSED", subject: "203.0.113.9", params: { address: "203.0.113.9", count: 4183 } },
  { id: "4", time: iso(opened - 400_000), kind: "security", code: "GATEWAY_OVERREACHES", subject: "gw-honghaiwan", params: { address: "198.51.100.24", count: 2 } },
  { id: "3", time: iso(opened - 700_000), kind: "security", code: "TARGET_TRICKED", subject: "2001:db8:1:2::/64", params: { address: "2001:db8:1:2::/64", count: 37 } },
);
const PERSON = { person: { name: "陈志航", roles: ["operator"], scope: null }, version: "0.1.0" };
let inside = true;

async function api(request, url) {
  const path = url.pathname.slice("/api/v1".length);
  let text = "";
  for await (const part of request) text += part;
  const body = text ? JSON.parse(text) : {};
  const refuse = (status, code, params = {}) => [status, { code, params, request: "7f3a-91c2" }];
  if (path === "/session" && request.method === "POST") {
    if (body.password === "wrong") return refuse(401, "LOGIN_REFUSED");
    inside = true;
    return [200, { ...PERSON, clock: clock() }];
  }
  if (path === "/session/link") { if (body.code !== "demo") return refuse(401, "LINK_REFUSED"); inside = true; return [200, { ...PERSON, clock: clock() }]; }
  if (path === "/session" && request.method === "DELETE") { inside = false; return [204, null]; }
  if (!inside) return refuse(401, "UNAUTHENTICATED");
  if (path === "/session") return [200, { ...PERSON, clock: clock() }];
  if (path === "/overview") return [200, overview()];
  if (path === "/gateways") return [200, { items: gateways() }];
  if (path === "/virtual-gateways") return [200, { items: [] }];
  if (path === "/enrolment") {
    const keys = EMPTY ? [] : GATEWAYS.map((item) => ({ keyid: `ed25519:${item.name.length}f3a9c21`, gateway: item.name, state: "active", created: iso(opened - 5e8), approved_by: "陈志航", approved: iso(opened - 5e8), ended: null, digits: null, work_order: null, installer: null }));
    return [200, { now: iso(Date.now()), codes: [], keys, held: [] }];
  }
  if (path === "/points") return [200, { items: points.filter((point) => !url.searchParams.get("site") || point.public.site === url.searchParams.get("site")).map((point) => point.public) }];
  if (path === "/latest") return [200, { items: points.filter((point) => point.public.site === url.searchParams.get("site")).map(latest) }];
  if (path === "/events") {
    const kinds = url.searchParams.getAll("kind");
    return [200, { items: EMPTY ? [] : EVENTS.filter((event) => !kinds.length || kinds.includes(event.kind)), next: null }];
  }
  if (path === "/demo") return REAL ? refuse(404, "NOT_FOUND") : [200, { story: true, cables: GATEWAYS.map((item) => ({ gateway: item.name, connected: !cut[item.name] })) }];
  const cable = /^\/demo\/cables\/(.+)$/.exec(path);
  if (cable) { cut[cable[1]] = body.connected ? 0 : now(); push("gateway", gateway(GATEWAYS.find((item) => item.name === cable[1]))); push("overview", overview()); return [204, null]; }
  if (path === "/alarms") return [200, alarms(url.searchParams)];
  if (QUIET[path]) return [200, QUIET[path]];
  const judged = /^\/alarms\/([^/]+)\/rule$/.exec(decodeURIComponent(path));
  if (judged) {
    const item = episodes().find((candidate) => candidate.id === judged[1]);
    return item ? [200, { rule: item.rule, version: 1, kind: "limit", inputs: [{ name: "", point: item.point, rule: null, op: null, limit: null }], longest_shelf_s: 28800, second_person: false }] : refuse(404, "NOT_FOUND");
  }
  if (/^\/points\/.+\/rules$/.test(path)) return [200, { point: "", unit: "", rules: [] }];
  const one = /^\/alarms\/([^/]+)(\/acknowledge)?$/.exec(decodeURIComponent(path));
  if (one) {
    if (one[1] === "elsewhere") return refuse(403, "FORBIDDEN");
    const item = episodes().find((candidate) => candidate.id === one[1]);
    if (!item) return refuse(404, "NOT_FOUND");
    if (!one[2]) return [200, { ...item, journal: journal(item), levels: POINTS.find((point) => point.public.id === item.point).public.limits, verifications: [], said: [], peak: null }];
    if (item.acknowledged) return refuse(409, "ALREADY_ACKNOWLEDGED", { by: item.acknowledged.by, at: item.acknowledged.at });
    acknowledged[item.id] = { by: PERSON.person.name, at: iso(now()), comment: body.comment ?? "" };
    const after = episodes().find((candidate) => candidate.id === one[1]);
    push("alarm", after); push("overview", overview());
    return [200, after];
  }
  const trend = /^\/points\/(.+)\/buckets$/.exec(decodeURIComponent(path));
  if (trend) return [200, bucketed(points.find((point) => point.public.id === trend[1]), Date.parse(url.searchParams.get("from")), Date.parse(url.searchParams.get("to")), Number(url.searchParams.get("count")))];
  return refuse(404, "NOT_FOUND");
}

function push(event, body) {
  for (const stream of streams) stream.write(`event: ${event}\ndata: ${JSON.stringify(body)}\n\n`);
}
function columns(site) {
  const seen = points.filter((point) => point.public.site === site && !cut[point.public.gateway]).map(latest);
  const each = (cell) => ({ of: seen.map(cell), count: seen.map(() => 1) });
  return {
    site, point: seen.map((item) => item.point), value: seen.map((item) => item.value), mark: each(({ quality, late, estimated }) => ({ quality, late, estimated })),
    source_time: each((item) => item.source_time), received_time: each((item) => item.received_time),
  };
}
setInterval(() => SITES.forEach((site) => push("values", columns(site.name))), 1000);
setInterval(() => { push("clock", clock()); push("overview", overview()); gateways().forEach((item) => push("gateway", item)); }, 5000);

const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const server = createServer(async (request, response) => {
  const url = new URL(request.url, "http://mock");
  if (url.pathname === "/api/v1/stream") {
    response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    response.write(`event: clock\ndata: ${JSON.stringify(clock())}\n\n`);
    streams.add(response);
    return request.on("close", () => streams.delete(response));
  }
  if (url.pathname.startsWith("/api/")) {
    const [status, body] = await api(request, url);
    response.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store" });
    return response.end(body === null ? "" : JSON.stringify(body));
  }
  const path = normalize(url.pathname === "/" ? "/index.html" : url.pathname);
  const file = join(DIST, path);
  if (!file.startsWith(DIST) || !existsSync(file)) return response.writeHead(404).end();
  response.writeHead(200, { "Content-Type": TYPES[extname(file)] ?? "application/octet-stream", "Content-Security-Policy": CSP });
  createReadStream(file).pipe(response);
});
server.listen(PORT, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/`));
