// The page of a server: an application without a framework. Everything that arrives is foreign text, and becomes a page
// by `textContent` alone: the policy (trusted types) forbids every other way. The credential is in this tab's session
// storage and goes out as a header: there is no cookie, so another site can make no request with it. None is read from
// the address, so that a link cannot sign anybody in as somebody else.
const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

// --- building ------------------------------------------------------------------------------------------------------
function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value") node.value = value;
    else if (value !== false && value != null) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(3).filter((child) => child != null && child !== false));
  return node;
}
function shape(tag, attributes, text) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text != null) node.textContent = text;
  return node;
}
const number = (value) => Number(value).toLocaleString("en-GB");
const plural = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;
const two = (value) => String(value).padStart(2, "0");
const FOREVER = 253402300799;
function day(seconds) {
  if (seconds == null) return "–";
  if (seconds >= FOREVER) return "never";
  return new Date(seconds * 1000).toISOString().slice(0, 10);
}
function moment(seconds) {
  if (seconds == null) return "–";
  if (seconds >= FOREVER) return "never";
  return new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");
}
function clock(seconds) { const at = new Date(seconds * 1000); return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`; }
function span(seconds) {
  const past = Math.abs(seconds);
  if (past < 90) return `${Math.round(past)} s`;
  if (past < 5400) return `${Math.round(past / 60)} min`;
  return past < 129600 ? `${Math.round(past / 3600)} h` : `${number(Math.round(past / 86400))} days`;
}
const now = () => Date.now() / 1000;
function ago(seconds) {
  if (seconds == null || seconds >= FOREVER) return seconds == null ? "–" : "never";
  const past = now() - seconds;
  return past >= 0 ? `${span(past)} ago` : `in ${span(past)}`;
}
const time = (seconds, words = moment(seconds)) => make("time", { datetime: seconds >= FOREVER ? false : new Date(seconds * 1000).toISOString(), title: moment(seconds) }, words);
const STATE = { active: "good", pending: "", grace: "limit", expired: "", revoked: "bad", suspended: "bad", delivered: "good", waiting: "limit", dead: "bad", trialing: "good", past_due: "limit", unpaid: "bad", canceled: "" };
const pill = (state, text = state.replaceAll("_", " ")) => make("span", { class: "pill", "data-kind": STATE[state] || false }, text);
const tierOf = ({ tier, tier_version: version }) => make("span", { class: "tier" }, version ? `${tier} v${version}` : tier);
const link = (to, ...children) => make("a", { href: `#/${to}` }, ...children);
const path = (...parts) => parts.map(encodeURIComponent).join("/");
const section = (title, extra, ...children) => make("section", { "aria-label": title }, make("div", { class: "head" }, make("h2", {}, title), extra), ...children);
const empty = (text) => make("p", { class: "empty" }, text);
const facts = (pairs) => make("dl", { class: "facts" }, pairs.filter(([, value]) => value != null && value !== "").map(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));

/** A table that becomes cards on a narrow screen. A column is `[head, class, cell]`. */
function table(label, columns, rows, none) {
  if (!rows.length) return empty(none);
  const cells = (row) => columns.map(([head, kind, cell]) => make("td", { class: kind, role: "cell", "data-name": /wide|number/.test(kind) && head ? head : false }, cell(row)));
  return make("table", { class: "cards", role: "table", "aria-label": label },
    make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, columns.map(([head, kind]) => make("th", { scope: "col", role: "columnheader", class: kind }, head || make("span", { class: "hidden" }, "Actions"))))),
    make("tbody", { role: "rowgroup" }, rows.map((row) => make("tr", { role: "row" }, cells(row)))));
}

// --- the service ---------------------------------------------------------------------------------------------------
let token = null, me = null;
class Problem extends Error {
  constructor(status, { detail, title, message, advice, ...more } = {}) {
    super([detail || message || title || `The server answered ${status}.`, advice].filter(Boolean).join(" "));
    Object.assign(this, { status, more });
  }
}
const unique = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
/** Calls the service. A change has a name, so that a second press of a button is no second change. */
async function call(method, address, body, key = unique()) {
  const headers = { authorization: `Bearer ${token}` };
  if (method !== "GET") Object.assign(headers, { "idempotency-key": key, "content-type": "application/json" });
  let answer;
  try {
    answer = await fetch(address, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store", credentials: "omit", redirect: "error" });
  } catch {
    throw new Problem(0, { detail: "The server cannot be reached." });
  }
  const type = answer.headers.get("content-type") ?? "";
  if (answer.ok) return type.includes("json") ? answer.json() : answer.text();
  const problem = new Problem(answer.status, type.includes("json") ? await answer.json().catch(() => ({})) : {});
  if (answer.status === 401) lock(problem.message);
  throw problem;
}
const get = (address, query = {}) => {
  const wanted = Object.entries(query).filter(([, value]) => value !== "" && value != null);
  return call("GET", address + (wanted.length ? `?${new URLSearchParams(wanted)}` : ""));
};
const post = (address, body = {}, key) => call("POST", address, body, key);

// --- signing in ----------------------------------------------------------------------------------------------------
function keep(text) {
  token = text;
  try { text ? sessionStorage.setItem("credential", text) : sessionStorage.removeItem("credential"); } catch { /* this page alone has it */ }
}
function lock(why) {
  keep(null);
  me = null;
  clearInterval(ticking);
  $("dialog").close();
  $("bar").hidden = true;
  document.title = "Licentia server";
  const credential = make("textarea", { id: "credential", rows: 4, autocomplete: "off", spellcheck: "false", placeholder: "lic1_…", required: true, "aria-describedby": "credential-note" });
  const file = make("input", { type: "file", id: "credential-file", class: "hidden", tabindex: -1, "aria-hidden": "true", onchange: async () => { credential.value = (await file.files[0].text()).trim(); enter(); } });
  const failed = make("p", { class: "note", "data-kind": "bad", role: "alert", hidden: !why }, why);
  async function enter() {
    keep(credential.value.trim().replace(/^Bearer\s+/i, ""));
    credential.value = "";
    failed.hidden = true;
    await begin();
  }
  const form = make("form", { onsubmit: (event) => { event.preventDefault(); enter(); } },
    make("div", { class: "field" }, make("label", { for: "credential" }, "Your licence"), credential,
      make("small", { id: "credential-note" }, "A licence with server.read, such as the administrator's, whose file `licentia server init` has named. It stays in this tab.")),
    failed,
    make("div", { class: "actions" }, make("button", { class: "main" }, "Sign in"), make("button", { type: "button", onclick: () => file.click() }, "Open a file…")), file);
  const brand = document.querySelector("header .brand").cloneNode(true);
  brand.querySelector("b").textContent = "server";
  $("main").replaceChildren(make("section", { class: "lock", "aria-label": "Sign in" }, make("h1", { class: "brand" }, ...brand.childNodes), form));
  credential.focus();
}
async function begin(focus = true) {
  try {
    me = await get("/v1/overview");
  } catch (problem) {
    if (problem.status !== 401) lock(problem.message);
    return;
  }
  $("bar").hidden = false;
  $("issuer").textContent = me.issuer;
  $("who").textContent = me.subject;
  $("who").title = me.subject;
  route({ focus });
}
$("leave").addEventListener("click", () => { history.replaceState(null, "", location.pathname); lock(); });

// --- frames --------------------------------------------------------------------------------------------------------
const SECTIONS = [["", "Overview"], ["customers", "Customers"], ["licenses", "Licences"], ["usage", "Usage"], ["gateways", "Gateways"], ["webhooks", "Webhooks"], ["payments", "Payments"], ["audit", "Audit"]];
const ADMIN = new Set(["webhooks", "payments", "audit"]);
function navigation(current) {
  $("nav").replaceChildren(...SECTIONS.filter(([name]) => me.is_admin || !ADMIN.has(name)).map(([name, words]) => {
    const dead = name === "webhooks" && me.deliveries?.dead;
    return make("a", { href: `#/${name}`, "aria-current": name === current && "page" }, words, dead ? make("span", { "aria-label": `${dead} dead` }, dead) : null);
  }));
}
const VIEWS = { "": overview, customers, customer: customers, licenses, license, usage, gateways, webhooks, payments, audit };
const PARENT = { customer: "customers", license: "licenses" };
let turn = 0, ticking = 0;
async function route({ focus = true } = {}) {
  if (!me) return;
  const mine = ++turn;
  clearInterval(ticking);
  const [name = "", ...rest] = location.hash.replace(/^#\/?/, "").split("?")[0].split("/").map(decode);
  const view = VIEWS[name] ?? overview;
  navigation(PARENT[name] ?? name);
  try {
    const { title, actions, children, tick } = await view(...rest);
    if (mine !== turn) return;
    const head = make("h1", { tabindex: -1 }, title);
    document.title = `${title} · Licentia server`;
    $("main").replaceChildren(make("div", { class: "title" }, head, actions ? make("div", { class: "actions push" }, actions) : null), ...children.filter(Boolean));
    if (focus) { head.focus({ preventScroll: true }); scrollTo(0, 0); }
    if (tick) ticking = setInterval(() => { if (!document.hidden) tick(); }, 2000);
  } catch (problem) {
    if (mine !== turn || problem.status === 401) return;
    const text = problem instanceof Problem ? problem.message : String(problem);
    $("main").replaceChildren(make("div", { class: "title" }, make("h1", { tabindex: -1 }, "This cannot be shown")), make("p", { class: "note", "data-kind": "bad", role: "alert" }, text), make("div", {}, make("button", { type: "button", onclick: () => route() }, "Try again")));
    if (!(problem instanceof Problem)) console.error(problem);
  }
}
function decode(text) { try { return decodeURIComponent(text); } catch { return text; } }
addEventListener("hashchange", () => route());

let toasting = 0;
function toast(text) {
  clearTimeout(toasting);
  $("toast").hidden = false;
  $("toast").textContent = text;
  toasting = setTimeout(() => { $("toast").hidden = true; }, 5000);
}

// --- dialogues -----------------------------------------------------------------------------------------------------
let opener = null;
function open(title, ...children) {
  opener = document.activeElement;
  $("dialog").replaceChildren(make("div", { class: "sheet" }, make("h2", { id: "dialog-title" }, title), ...children));
  if (!$("dialog").open) $("dialog").showModal();
}
const close = () => $("dialog").close();
$("dialog").addEventListener("close", () => {
  // The next dialogue may be open already: this event comes later than what it tells of.
  if ($("dialog").open) return;
  $("dialog").replaceChildren();
  (opener?.isConnected ? opener : $("main").querySelector("h1"))?.focus();
});
$("dialog").addEventListener("click", (event) => { if (event.target === $("dialog")) close(); });
const field = (label, input, note) => {
  input.id ||= `field-${unique().slice(0, 6)}`;
  if (note) input.setAttribute("aria-describedby", `${input.id}-note`);
  return make("div", { class: "field" }, make("label", { for: input.id }, label), input, note ? make("small", { id: `${input.id}-note` }, note) : null);
};
const choice = (name, options, chosen) => make("select", { name }, options.map(([value, words]) => make("option", { value, selected: value === chosen }, words)));

/** A form in a dialogue. `send` gets its fields and the request's name, and may return what to show then. */
function ask(title, { intro, fields = [], button, danger, send }) {
  const key = unique();
  const failed = make("p", { class: "note", "data-kind": "bad", role: "alert", hidden: true });
  const submit = make("button", { class: danger ? "danger main" : "main" }, button);
  const form = make("form", {
    async onsubmit(event) {
      event.preventDefault();
      submit.disabled = true;
      failed.hidden = true;
      try {
        const done = await send(Object.fromEntries(new FormData(form)), key, new FormData(form));
        if (done === true) return;
        if (done) { $("dialog").replaceChildren(done); $("dialog").querySelector("button,[tabindex]")?.focus(); } else close();
        route({ focus: false });
      } catch (problem) {
        failed.textContent = problem.message;
        failed.hidden = false;
      } finally {
        submit.disabled = false;
      }
    },
  }, make("h2", { id: "dialog-title" }, title), intro ? make("p", { class: "soft" }, intro) : null, fields, failed,
    make("div", { class: "end" }, make("button", { type: "button", onclick: close }, "Cancel"), submit));
  opener = document.activeElement;
  $("dialog").replaceChildren(form);
  if (!$("dialog").open) $("dialog").showModal();
}
/** A secret that is shown once. */
function shown(title, text, secret, note) {
  const copy = make("button", { type: "button", class: "main", async onclick() {
    try { await navigator.clipboard.writeText(secret); copy.textContent = "Copied"; } catch { getSelection().selectAllChildren(block); }
  } }, "Copy");
  const block = make("pre", { class: "secret", tabindex: 0, "aria-label": "Secret" }, secret);
  return make("div", { class: "sheet" }, make("h2", { id: "dialog-title" }, title), make("p", {}, text), block, note ? make("p", { class: "soft small" }, note) : null,
    make("div", { class: "end" }, copy, make("button", { type: "button", onclick: close }, "Done")));
}

// --- plots ---------------------------------------------------------------------------------------------------------
const nice = (value) => { const power = 10 ** Math.floor(Math.log10(Math.max(1, value))); return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((step) => step >= value); };
const compact = (value) => value >= 1e6 ? `${+(value / 1e6).toFixed(1)}M` : value >= 1e4 ? `${+(value / 1e3).toFixed(1)}k` : number(value);
/** Stacked bars: `rows` are `[label, {series: value}]`. */
function plot(label, series, rows) {
  const node = shape("svg", { class: "plot", role: "img" });
  const names = series.slice(0, 6);
  const value = (row, name) => name === names[5] && series.length > 6 ? series.slice(5).reduce((sum, one) => sum + (row[1][one] ?? 0), 0) : row[1][name] ?? 0;
  const total = (row) => names.reduce((sum, name) => sum + value(row, name), 0);
  node.append(shape("title", {}, `${label}: ${rows.map((row) => `${row[0]} ${number(total(row))}`).join(", ")}`));
  function draw() {
    const width = node.clientWidth, height = node.clientHeight;
    if (!width) return;
    const left = 48, bottom = height - 22, top = 8, most = nice(Math.max(1, ...rows.map(total)));
    const step = (width - left) / Math.max(1, rows.length), bar = Math.max(2, Math.min(46, step * 0.7));
    const y = (amount) => bottom - (bottom - top) * amount / most;
    const parts = [0, 0.5, 1].flatMap((share) => [
      shape("line", { class: "grid", x1: left, x2: width, y1: y(most * share), y2: y(most * share) }),
      shape("text", { x: left - 8, y: y(most * share) + 4, "text-anchor": "end" }, compact(most * share)),
    ]);
    const each = Math.max(1, Math.ceil(78 / step));
    rows.forEach((row, at) => {
      const x = left + step * at + (step - bar) / 2;
      let floor = 0;
      names.forEach((name, index) => {
        const amount = value(row, name);
        if (amount) parts.push(shape("rect", { class: `c${index}`, x, y: y(floor + amount), width: bar, height: Math.max(1, y(floor) - y(floor + amount) - (floor ? 1 : 0)), rx: 2 }));
        floor += amount;
      });
      const hit = shape("rect", { class: "hit", x: left + step * at, y: top, width: step, height: bottom - top });
      hit.append(shape("title", {}, `${row[0]}\n${names.map((name) => `${name}: ${number(value(row, name))}`).join("\n")}`));
      parts.push(hit);
      if ((rows.length - 1 - at) % each === 0) parts.push(shape("text", { x: x + bar / 2, y: height - 4, "text-anchor": "middle" }, row[0]));
    });
    node.replaceChildren(node.firstChild, ...parts);
  }
  new ResizeObserver(draw).observe(node);
  const keys = make("div", { class: "key" }, names.map((name, index) => make("span", {}, make("i", { class: `c${index}`, "aria-hidden": "true" }), name === names[5] && series.length > 6 ? "others" : name)));
  return make("div", { class: "body" }, node, keys);
}
/** The start of a period: a month if it begins with one. */
const month = (period) => period.slice(0, 10).replace(/-01$/, "");
/** What was used per period and meter, from lines of usage. */
function usagePlot(label, lines) {
  const meters = [...new Set(lines.map(({ meter }) => meter))].sort();
  const periods = [...new Set(lines.map(({ period }) => period))].sort().slice(-24);
  const rows = periods.map((period) => [month(period), Object.fromEntries(meters.map((meter) => [meter, lines.filter((line) => line.period === period && line.meter === meter).reduce((sum, line) => sum + line.used, 0)]))]);
  return lines.length ? plot(label, meters, rows) : empty("No receipt has reported any usage yet.");
}
function shares(label, rows) {
  const order = [["active", "c0"], ["pending", "c1"], ["grace", "c2"], ["revoked", "c4"], ["expired", "c5"]];
  return make("div", { class: "body" }, make("ul", { class: "shares", "aria-label": label }, rows.map(({ tier, tier_version, states }) => {
    const total = order.reduce((sum, [name]) => sum + (states[name] ?? 0), 0);
    const track = make("div", { class: "track", "aria-hidden": "true" }, order.filter(([name]) => states[name]).map(([name, kind]) => {
      const part = make("i", { class: kind });
      part.style.flexGrow = states[name];
      return part;
    }));
    const words = order.filter(([name]) => states[name]).map(([name]) => `${number(states[name])} ${name}`).join(", ");
    return make("li", { class: "row" }, make("span", {}, tierOf({ tier, tier_version })), make("span", { class: "soft" }, plural(total, "licence")), track, make("span", { class: "soft small" }, words));
  })));
}

// --- overview ------------------------------------------------------------------------------------------------------
async function overview() {
  const [about, { lines }, flow] = await Promise.all([get("/v1/overview"), get("/v1/usage", { by: "meter,period" }), get("/v1/flow", { limit: 8 })]);
  me = about;
  navigation("");
  const sum = (state) => about.tiers.reduce((total, { states }) => total + (states[state] ?? 0), 0);
  const figure = (words, value, kind, to, note) => make("section", {}, link(to, make("span", { class: "soft small" }, words), make("div", { class: `number ${value ? kind : ""}` }, number(value)), make("span", { class: "soft small" }, note)));
  return {
    title: "Overview", actions: [issueButton()],
    children: [
      make("div", { class: "figures" },
        figure("Active licences", sum("active"), "good", "licenses?state=active", `of ${plural(about.licenses, "licence")} ever issued`),
        figure("In grace", sum("grace"), "limit", "licenses?state=grace", "unpaid, and still working"),
        figure("Revoked", sum("revoked"), "bad", "licenses?state=revoked", "with a revocation of their own"),
        figure("Customers", about.customers, "", "customers", plural(about.lineages, "contract"))),
      about.problems.length ? make("section", { "aria-label": "What needs somebody" }, make("div", { class: "head" }, make("h2", {}, "What needs somebody")), make("ul", { class: "body stack" }, about.problems.map(({ kind, text, place }) => make("li", { class: "note", "data-kind": kind }, text, " ", link(place, "Look"))))) : null,
      make("div", { class: "columns" },
        make("div", { class: "stack" }, section("Usage by period", link("usage", "All usage"), usagePlot("Usage by period", lines)), section("Tiers", null, about.tiers.length ? shares("Licences by tier and state", about.tiers) : empty("No licence was issued yet."))),
        section("Latest receipts", link("gateways", "All gateways"), flowList(flow.items)))],
  };
}

// --- customers -----------------------------------------------------------------------------------------------------
const query = () => new URLSearchParams(location.hash.split("?")[1] ?? "");
function searchBox(label, name, placeholder, ...others) {
  const values = query();
  const form = make("form", { class: "filters push", role: "search", "aria-label": label, onsubmit: (event) => { event.preventDefault(); go(); }, onchange: () => go() },
    make("input", { type: "search", name, placeholder, "aria-label": placeholder, value: values.get(name) ?? "", autocomplete: "off", spellcheck: "false", maxlength: 256 }), others);
  function go() {
    const wanted = [...new FormData(form)].filter(([, value]) => value !== "");
    const to = `${location.hash.split("?")[0] || "#/"}${wanted.length ? `?${new URLSearchParams(wanted)}` : ""}`;
    if (to !== location.hash) location.hash = to;
  }
  return form;
}
/** A list that grows by its cursor. */
function growing(address, wanted, draw, key = "cursor") {
  const box = make("div", {});
  let items = [];
  async function load(next) {
    const page = await get(address, { ...wanted, [key]: next });
    items = items.concat(page.items);
    box.replaceChildren(draw(items), page.next == null ? "" : make("div", { class: "more" }, make("button", { type: "button", async onclick(event) { event.target.disabled = true; await load(page.next).catch((problem) => toast(problem.message)); } }, "Show more")));
  }
  return load(null).then(() => box);
}
const when = (seconds) => seconds == null ? "–" : time(seconds, day(seconds));
async function customers(subject) {
  if (subject !== undefined) return customer(subject);
  const search = query().get("search") ?? "";
  const list = await growing("/v1/customers", { search }, (items) => table("Customers", [
    ["Customer", "", ({ subject }) => link(path("customer", subject), make("span", { class: "name" }, subject))],
    ["Now", "", ({ current }) => current ? pill(current.state) : "–"],
    ["Tier", "", ({ current }) => current ? tierOf(current) : "–"],
    ["Contracts", "number", ({ lineages }) => number(lineages)],
    ["Licences", "number", ({ licenses }) => number(licenses)],
    ["Ends", "keep wide", ({ current }) => current ? when(current.expires) : "–"],
  ], items, search ? "No customer's identifier begins like this." : "No licence was issued yet."), "after");
  return { title: "Customers", actions: [issueButton()], children: [make("section", {}, make("div", { class: "head" }, make("h2", {}, search ? `“${search}…”` : "All"), searchBox("Search customers", "search", "Begins with…")), list)] };
}
async function customer(subject) {
  const [{ items }, { lines }] = await Promise.all([get("/v1/licenses", { subject: subject.endsWith("*") ? undefined : subject, limit: 1000 }), get("/v1/usage", { by: "meter,period", subject })]);
  const all = items.filter((one) => one.subject === subject);
  const newest = new Map();
  for (const one of all) { const known = newest.get(one.lineage); if (!known || one.issued_at >= known.issued_at) newest.set(one.lineage, one); }
  return {
    title: subject,
    actions: [issueButton(subject), all.some(({ revocation }) => !revocation) ? make("button", { type: "button", class: "danger", onclick: () => revokeAll(subject, all.filter(({ revocation }) => revocation?.reason !== "superseded").length) }, "Revoke all") : null],
    children: [section("Contracts", make("span", { class: "soft" }, plural(all.length, "licence")), licenseTable([...newest.values()], "This customer has no licence.", false)), section("Usage by period", null, usagePlot(`Usage of ${subject}`, lines))],
  };
}

// --- licences ------------------------------------------------------------------------------------------------------
const licenseTable = (items, none, withSubject = true) => table("Licences", [
  ["Licence", "", (one) => [link(path("license", one.lineage), make("span", { class: "name" }, withSubject ? one.subject : `Contract ${one.lineage.slice(0, 8)}`)), make("code", { class: "under" }, one.id.slice(0, 12))]],
  ["State", "", (one) => pill(one.suspended ? "suspended" : one.state)],
  ["Tier", "", tierOf],
  ["Issued", "keep", (one) => when(one.issued_at)],
  ["Ends", "keep wide", (one) => [when(one.expires), one.term_end && one.state !== "revoked" ? make("span", { class: "under" }, `paid until ${day(one.term_end)}`) : null]],
], items, none);
async function licenses() {
  const values = query();
  const wanted = Object.fromEntries(["subject", "state", "tier"].map((name) => [name, values.get(name) ?? ""]));
  const typed = wanted.subject;
  const filter = { ...wanted, sort: "issued", descending: true, limit: 50 };
  // 8 or more hexadecimal digits are of an identifier or a lineage.
  if (/^[0-9a-f]{8,32}$/.test(typed)) Object.assign(filter, { prefix: typed, subject: "" });
  else if (typed && !typed.endsWith("*")) filter.subject = `${typed}*`;
  const list = await growing("/v1/licenses", filter, (items) => licenseTable(items, "No licence fits."));
  const states = choice("state", [["", "All states"], ...["active", "grace", "pending", "expired", "revoked"].map((state) => [state, state])], wanted.state);
  const tiers = choice("tier", [["", "All tiers"], ...[...new Set(me.tiers.map(({ tier }) => tier))].map((tier) => [tier, tier])], wanted.tier);
  states.setAttribute("aria-label", "State");
  tiers.setAttribute("aria-label", "Tier");
  return { title: "Licences", actions: [issueButton()], children: [make("section", {}, make("div", { class: "head" }, make("h2", {}, "Newest first"), searchBox("Search licences", "subject", "Customer, identifier or lineage", states, tiers)), list)] };
}
const TIMELINE = { issued: "good", renewed: "good", upgraded: "good", reinstated: "good", resumed: "good", revoked: "bad", suspended: "bad", superseded: "", payment: "limit", term: "next", end: "next" };
async function license(lineage) {
  const [about, { lines }] = await Promise.all([get(`/v1/lineages/${path(lineage)}`), get("/v1/usage", { by: "meter,period", lineage })]);
  const { current, timeline, subscription, licenses } = about;
  const state = about.suspended ? "suspended" : current.state;
  const hit = licenses.filter(({ revocation }) => revocation?.reason !== "superseded").length;
  const rest = current.expires - now();
  const act = (words, kind, run) => make("button", { type: "button", class: kind, onclick: run }, words);
  return {
    title: current.subject,
    actions: [
      act("Renew", "main", () => renew(current)), act("Upgrade", "", () => upgrade(current)),
      state === "suspended" ? act("Resume", "", () => resume(current)) : state === "revoked" ? act("Reinstate", "", () => reinstate(current)) : act("Suspend", "", () => suspend(current)),
      state === "revoked" ? null : act("Revoke", "danger", () => revoke(current, hit))],
    children: [
      make("div", { class: "columns" },
        make("div", { class: "stack" },
          section("Timeline", make("span", { class: "soft" }, `lineage ${lineage.slice(0, 8)}`), make("div", { class: "body" }, make("ol", { class: "timeline", "aria-label": "Timeline" }, timeline.map(({ at, what, who, detail, kind }) =>
            make("li", { "data-kind": TIMELINE[kind] || false }, make("b", {}, what), " ", make("span", { class: "soft" }, time(at, at > now() ? `${day(at)}, ${ago(at)}` : moment(at))), make("span", { class: "under" }, [detail, who && `by ${who}`].filter(Boolean).join(", "))))))),
          section("Usage by period", null, usagePlot("Usage by period", lines))),
        make("div", { class: "stack" },
          section("Licence", pill(state), make("div", { class: "body" }, facts([
            ["Customer", link(path("customer", current.subject), current.subject)], ["Tier", tierOf(current)], ["Kind", current.kind],
            ["Issued", time(current.issued_at)], ["Starts", current.not_before && time(current.not_before)], ["Paid until", time(current.term_end ?? current.expires, day(current.term_end ?? current.expires))],
            ["Ends", [time(current.expires, day(current.expires)), current.expires < FOREVER ? make("span", { class: "soft" }, rest > 0 ? `, ${ago(current.expires)}` : ", over") : null]],
            ["Revoked", current.revocation && `${current.revocation.reason.replaceAll("_", " ")}${current.revocation.effect === "deny" ? "" : `, ${current.revocation.effect} until ${day(current.revocation.until)}`}`],
            ["Identifier", make("code", {}, current.id)], ["Lineage", make("code", {}, current.lineage)], ["Key", make("code", {}, current.kid.slice(0, 16))], ["Index", current.index == null ? null : number(current.index)],
          ]))),
          subscription ? section("Stripe", pill(subscription.status), make("div", { class: "body stack" }, facts([["Subscription", make("code", {}, subscription.id)], ["Customer", make("code", {}, subscription.customer)], ["Period", `${day(subscription.period_start)} to ${day(subscription.period_end)}`], ["Asked", ago(subscription.seen_at)]]), subscription.problem ? make("p", { class: "note", "data-kind": "limit" }, subscription.problem) : null)) : null))],
  };
}
function issueButton(subject = "") {
  return make("button", { type: "button", class: "main", onclick: () => issue(subject) }, "Issue a licence");
}
const tierChoice = (chosen) => choice("tier", me.catalogue.map(({ name, version }) => [`${name}@${version}`, `${name} v${version}`]), chosen);
const tokenSheet = ({ token: text, license }) => shown("Licence issued", `For ${license.subject}, ${license.tier} v${license.tier_version}, until ${day(license.expires)}. It is shown once: the ledger does not keep it.`, text, "Whoever has it can use it. Send it over a private channel.");
function issue(subject) {
  if (!me.catalogue.length) return open("No catalogue", make("p", {}, "Propose and activate a catalogue first: it has the tiers."), make("div", { class: "end" }, make("button", { type: "button", onclick: close }, "Close")));
  ask("Issue a licence", {
    button: "Issue",
    fields: [
      field("Customer", make("input", { name: "subject", value: subject, required: true, maxlength: 256, autocomplete: "off", spellcheck: "false" }), "An identifier of your own: everybody can read a licence."),
      make("div", { class: "two" }, field("Tier", tierChoice()), field("Ends on", make("input", { name: "ends", type: "date" }), "Empty: after the tier's term.")),
      field("Your reference", make("input", { name: "reference", maxlength: 256, autocomplete: "off" }), "The same reference again gives the same licence again."),
    ],
    async send({ subject, tier, ends, reference }, key) {
      const wanted = { subject, tier };
      if (ends) wanted.expires = Date.parse(`${ends}T23:59:59Z`) / 1000;
      if (reference) wanted.reference = reference;
      return tokenSheet(await post("/v1/licenses", wanted, key));
    },
  });
}
const change = (current, what) => `/v1/licenses/${path(current.lineage)}/${what}`;
function renew(current) {
  ask(`Renew ${current.subject}`, {
    button: "Renew", intro: "The new licence works at once. Its contract begins when the present one ends, so that nobody loses time by paying early.",
    fields: [field("Term", make("input", { name: "term", placeholder: "1 year", maxlength: 64, autocomplete: "off" }), "Empty: the tier's own term.")],
    send: async ({ term }, key) => tokenSheet(await post(change(current, "renew"), term ? { term } : {}, key)),
  });
}
function upgrade(current) {
  ask(`Change the tier of ${current.subject}`, {
    button: "Change", intro: "The customer keeps the time that is paid, and what was used so far.",
    fields: [field("Tier", tierChoice(`${current.tier}@${current.tier_version}`))],
    send: async ({ tier }, key) => tokenSheet(await post(change(current, "upgrade"), { tier }, key)),
  });
}
function suspend(current) {
  ask(`Suspend ${current.subject}`, {
    button: "Suspend", danger: true, intro: "Gateways that follow the feed refuse it within a second, until it is resumed.", fields: [field("Reason", choice("reason", REASONS, "unpaid"), "It is published.")],
    send: async ({ reason }, key) => { await post(change(current, "suspend"), { reason }, key); toast(`${current.subject} is suspended.`); },
  });
}
function resume(current) {
  ask(`Resume ${current.subject}`, { button: "Resume", intro: "Gateways that follow the feed accept the licence again within a second.", send: async (_, key) => { await post(change(current, "resume"), {}, key); toast(`${current.subject} is resumed.`); } });
}
function reinstate(current) {
  ask(`Reinstate ${current.subject}`, { button: "Reinstate", intro: "Gateways that follow the feed accept the licence again within a second.", send: async (_, key) => { await post(change(current, "reinstate"), {}, key); toast(`${current.subject} is reinstated.`); } });
}
const REASONS = [["unspecified", "Not said"], ["unpaid", "It was not paid"], ["requested", "The customer wanted it"], ["breach", "The terms were broken"], ["fraud", "Fraud"], ["key_compromise", "The licence or a key was stolen"]];
function revoke(current, hit) {
  ask(`Revoke ${current.subject}`, {
    button: "Revoke", danger: true, intro: `It hits ${plural(hit, "licence")} of this contract. Gateways that follow the feed refuse ${hit === 1 ? "it" : "them"} within a second.`,
    fields: [field("Reason", choice("reason", REASONS, "unspecified"), "It is published with the revocation.")],
    async send({ reason }, key) {
      return confirmed((more) => post(change(current, "revoke"), { reason, ...more }, more ? unique() : key), () => toast(`${current.subject} is revoked.`));
    },
  });
}
function revokeAll(subject, hit) {
  ask(`Revoke everything of ${subject}`, {
    button: "Revoke", danger: true, intro: `It hits ${plural(hit, "licence")}, of all contracts. Gateways that follow the feed refuse them within a second.`,
    fields: [field("Reason", choice("reason", REASONS, "unspecified"), "It is published with the revocations.")],
    async send({ reason }, key) {
      return confirmed((more) => post("/v1/revocations", { subject, reason, ...more }, more ? unique() : key), () => toast(`${subject} is revoked.`));
    },
  });
}
/** Does a revocation. If it would hit more than the cap, the server names the count and wants it named again. */
async function confirmed(send, done) {
  let problem;
  try {
    await send();
    return done();
  } catch (caught) {
    if (caught.status !== 409 || countOf(caught) == null) throw caught;
    problem = caught;
  }
  const count = countOf(problem);
  ask(`This would revoke ${plural(count, "licence")}`, {
    button: `Revoke ${plural(count, "licence")}`, danger: true, intro: problem.message,
    fields: [field("To go on, write the number", make("input", { name: "count", required: true, inputmode: "numeric", pattern: String(count), autocomplete: "off" }), `${number(count)}, without separators`)],
    async send() { await send({ confirm: count }); done(); },
  });
  return true;
}
const countOf = ({ more }) => more.hits ?? more.count ?? null;

// --- usage ---------------------------------------------------------------------------------------------------------
const BY = ["customer", "tier", "meter", "period", "lineage"];
async function usage() {
  const values = query();
  const by = (values.get("by") ?? "customer,tier,meter").split(",").filter((name) => BY.includes(name));
  const filter = { by: by.join(","), from: values.get("from") ?? "", to: values.get("to") ?? "", subject: values.get("subject") ?? "" };
  const [report, all] = await Promise.all([get("/v1/usage", filter), get("/v1/usage", { ...filter, by: "meter,period" })]);
  const rows = report.lines.slice(0, 1000);
  const columns = [...by.map((name) => [name[0].toUpperCase() + name.slice(1), name === "meter" || name === "period" ? "keep" : "", (line) => name === "customer" ? link(path("customer", line.customer), line.customer) : name === "lineage" ? link(path("license", line.lineage), make("code", {}, line.lineage.slice(0, 12))) : name === "period" ? month(line.period) : line[name]]), ["Used", "number", (line) => number(line.used)]];
  const form = make("form", { class: "filters push", "aria-label": "What a line is about", onchange: () => {
    const chosen = new FormData(form);
    const wanted = { by: chosen.getAll("by").join(",") || "meter", from: chosen.get("from"), to: chosen.get("to"), subject: chosen.get("subject") };
    location.hash = `#/usage?${new URLSearchParams(Object.entries(wanted).filter(([, value]) => value))}`;
  }, onsubmit: (event) => event.preventDefault() },
    BY.map((name) => make("label", { class: "check" }, make("input", { type: "checkbox", name: "by", value: name, checked: by.includes(name) }), name)),
    make("input", { name: "subject", type: "search", placeholder: "Customer", "aria-label": "Customer", value: filter.subject }), make("input", { name: "from", type: "date", "aria-label": "From", value: filter.from }), make("input", { name: "to", type: "date", "aria-label": "Until", value: filter.to }));
  const csv = make("button", { type: "button", async onclick() {
    const text = await get("/v1/usage.csv", filter).catch((problem) => toast(problem.message));
    if (text == null) return;
    const address = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    make("a", { href: address, download: "usage.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  } }, "Download CSV");
  return {
    title: "Usage", actions: [csv],
    children: [
      ...findings(report.findings), section("By period and meter", null, usagePlot("Usage by period and meter", all.lines)),
      make("section", { "aria-label": "Lines" }, make("div", { class: "head" }, make("h2", {}, "Lines"), form), table("Usage", columns, rows, "No receipt has reported any usage that fits."), report.lines.length > rows.length ? make("p", { class: "empty" }, `The first ${number(rows.length)} of ${number(report.lines.length)} lines. The CSV has all.`) : null)],
  };
}
const findings = (all) => all.length ? [section("What is wrong with receipts", null, make("ul", { class: "body stack" }, all.slice(0, 50).map(({ text, alarm }) => make("li", { class: "note", "data-kind": alarm ? "bad" : "limit" }, text))))] : [];

// --- gateways ------------------------------------------------------------------------------------------------------
function flowList(items, label = "Latest receipts") {
  if (!items.length) return empty("No gateway has sent a receipt yet.");
  return make("ol", { class: "flow", "aria-label": label }, items.map(flowItem));
}
function flowItem({ at, name, instance, sequence, used, apart }) {
  const most = [...used].sort((a, b) => b.units - a.units);
  const words = [...most.slice(0, 4).map(({ meter, units, customer }) => `${customer} ${number(units)} ${meter}`), most.length > 4 && `${most.length - 4} more`].filter(Boolean).join(", ");
  return make("li", {}, make("span", { class: "mono soft" }, clock(at)), make("span", { class: "break" }, name ?? instance.slice(0, 12), " ", make("span", { class: "soft small" }, `#${sequence}`)), apart ? pill("waiting", "kept apart") : make("span", { class: "soft small" }, plural(used.reduce((sum, one) => sum + one.units, 0), "unit")), words ? make("span", { class: "detail" }, words) : null);
}
async function gateways() {
  const [{ instances, findings: wrong }, flow] = await Promise.all([get("/v1/usage", { by: "meter" }), get("/v1/flow", { limit: 100 })]);
  let newest = flow.next;
  const list = make("div", {}, flowList(flow.items, "Receipts as they arrive"));
  const live = make("span", { class: "pill", "data-kind": "good" }, "Live");
  async function tick() {
    let more;
    try {
      more = await get("/v1/flow", { after: newest, limit: 100 });
      live.textContent = "Live";
      live.dataset.kind = "good";
    } catch {
      live.textContent = "Lost";
      live.dataset.kind = "bad";
      return;
    }
    if (!more.items.length) return;
    newest = more.next;
    const shown = list.querySelector("ol");
    if (!shown) return list.replaceChildren(flowList(more.items, "Receipts as they arrive"));
    shown.prepend(...more.items.map(flowItem));
    while (shown.children.length > 200) shown.lastChild.remove();
  }
  return {
    title: "Gateways", tick,
    children: [...findings(wrong),
      make("div", { class: "columns" },
        section("Gateways that report", make("span", { class: "soft" }, instances.length ? plural(instances.length, "instance") : ""), table("Gateways", [
          ["Instance", "", ({ name, instance }) => [make("span", { class: "name" }, name ?? instance.slice(0, 12)), make("code", { class: "under" }, instance.slice(0, 16))]],
          ["State", "", ({ alarm, gap }) => alarm ? pill("dead", "look into it") : gap ? pill("waiting", "gap") : pill("active", "whole")],
          ["Last receipt", "keep", ({ issued_at: at }) => time(at, ago(at))],
          ["Number", "number", ({ sequence }) => number(sequence)],
        ], instances, "No gateway has sent a receipt yet. A gateway reports if its [receipts] has this server and a licence with server.report.")),
        section("As they arrive", live, list))],
  };
}

// --- webhooks ------------------------------------------------------------------------------------------------------
const KINDS = ["license.issued", "license.renewed", "license.upgraded", "license.suspended", "license.resumed", "license.revoked", "license.reinstated", "license.rotated", "license.activated", "catalogue.activated", "payment.failed", "payment.refused", "subscription.canceled"];
async function webhooks() {
  const state = query().get("state") ?? "";
  const [{ items }, deliveries] = await Promise.all([get("/v1/webhooks"), growing("/v1/deliveries", { state, limit: 50 }, deliveryTable, "before")]);
  const secretSheet = ({ secret, url }, title) => shown(title, `The secret of ${url} is shown once. Its receiver verifies each message with it, by any Standard Webhooks library.`, secret);
  const add = make("button", { type: "button", class: "main", onclick: () => ask("Add a webhook", {
    button: "Add",
    fields: [
      field("URL", make("input", { name: "url", type: "url", required: true, placeholder: "https://example.com/licentia", maxlength: 2048, autocomplete: "off" }), "It must be public and use https, unless the configuration allows others."),
      make("fieldset", {}, make("legend", {}, "Events"), make("p", { class: "soft small" }, "None chosen: all of them."), make("div", { class: "two" }, KINDS.map((kind) => make("label", { class: "check mono" }, make("input", { type: "checkbox", name: "kind", value: kind }), kind))))],
    send: async ({ url }, key, data) => secretSheet(await post("/v1/webhooks", { url, kinds: data.getAll("kind") }, key), "Webhook added"),
  }) }, "Add a webhook");
  const act = async (words, run) => { try { await run(); toast(words); } catch (problem) { toast(problem.message); } route({ focus: false }); };
  const at = (webhook, what) => `/v1/webhooks/${path(webhook.id)}/${what}`;
  const list = table("Webhooks", [
    ["Webhook", "wide", (webhook) => [make("span", { class: "name break" }, webhook.url), make("span", { class: "under" }, webhook.kinds.length ? webhook.kinds.join(", ") : "all events")]],
    ["State", "", (webhook) => webhook.is_on ? pill("active", "on") : pill("expired", "off")],
    ["Deliveries", "keep", ({ delivered, waiting, dead }) => [`${number(delivered)} delivered`, make("span", { class: "under" }, [waiting ? `${number(waiting)} waiting` : "", dead ? `${number(dead)} dead` : ""].filter(Boolean).join(", ") || "none waiting")]],
    ["", "wide", (webhook) => make("div", { class: "actions" },
      webhook.dead ? make("button", { type: "button", class: "small", onclick: () => act("They are sent again.", () => post(at(webhook, "replay"))) }, `Replay ${number(webhook.dead)}`) : null,
      make("button", { type: "button", class: "small", onclick: () => act("A test event is on its way.", () => post(at(webhook, "test"))) }, "Test"),
      make("button", { type: "button", class: "small", onclick: () => act(webhook.is_on ? "It is off." : "It is on.", () => post(at(webhook, "switch"), { on: !webhook.is_on })) }, webhook.is_on ? "Switch off" : "Switch on"),
      make("button", { type: "button", class: "small", onclick: () => ask("New secret", { button: "Make a new secret", intro: `For a day, messages to ${webhook.url} are signed with both, so that the receiver can change over.`, send: async (_, key) => secretSheet(await post(at(webhook, "rotate"), {}, key), "New secret") }) }, "New secret"),
      make("button", { type: "button", class: "small danger", onclick: () => ask("Remove the webhook", { button: "Remove", danger: true, intro: `${webhook.url} gets no more events, and its deliveries are forgotten.`, send: async (_, key) => { await post(at(webhook, "remove"), {}, key); toast("It is removed."); } }) }, "Remove"))],
  ], items, "No webhook yet. One tells another system what happens to licences.");
  const filter = make("form", { class: "filters push", onchange: (event) => { location.hash = `#/webhooks${event.target.value ? `?state=${event.target.value}` : ""}`; }, onsubmit: (event) => event.preventDefault() }, choice("state", [["", "All deliveries"], ["waiting", "waiting"], ["delivered", "delivered"], ["dead", "dead"]], state));
  filter.firstChild.setAttribute("aria-label", "State");
  return { title: "Webhooks", actions: [add], children: [section("Webhooks", null, list), section("Deliveries", filter, deliveries)] };
}
const deliveryTable = (items) => table("Deliveries", [
  ["Event", "", ({ kind, id }) => [make("span", { class: "name" }, kind), make("code", { class: "under" }, id)]],
  ["State", "", ({ state }) => pill(state)],
  ["Happened", "keep", ({ at }) => time(at)],
  ["Last attempt", "wide", ({ attempts, status, reason, due, state }) => [attempts ? `${plural(attempts, "attempt")}${status ? `, answered ${status}` : ""}` : "not tried yet", make("span", { class: "under" }, [reason, state === "waiting" && attempts ? `next ${ago(due)}` : ""].filter(Boolean).join(", "))]],
  ["To", "wide break", ({ url }) => url],
  ["", "wide", (one) => make("button", { type: "button", class: "small", "aria-label": `Replay ${one.kind} of ${moment(one.at)}`, async onclick() { try { await post(`/v1/webhooks/${path(one.webhook)}/replay`, { event: one.event }); toast("It is sent again."); } catch (problem) { toast(problem.message); } route({ focus: false }); } }, "Replay")],
], items, "Nothing was sent yet.");

// --- payments ------------------------------------------------------------------------------------------------------
async function payments() {
  const { items, is_on: on, swept_at: swept, problem } = await get("/v1/subscriptions");
  return {
    title: "Payments",
    children: [
      on ? null : make("p", { class: "note" }, "Stripe is not configured: `[stripe]` of server.toml says how it is reached, and which tier each price buys."),
      problem ? make("p", { class: "note", "data-kind": "bad" }, problem) : null,
      section("Stripe subscriptions", make("span", { class: "soft" }, swept ? `all asked ${ago(swept)}` : ""), table("Subscriptions", [
        ["Subscription", "", ({ id, lineage }) => [link(path("license", lineage), make("span", { class: "name" }, id)), make("code", { class: "under" }, lineage.slice(0, 12))]],
        ["State", "", ({ status }) => pill(status)],
        ["Customer", "", ({ customer }) => make("code", {}, customer)],
        ["Period", "keep", ({ period_start, period_end }) => `${day(period_start)} to ${day(period_end)}`],
        ["What is wrong", "wide", ({ problem }) => problem || make("span", { class: "soft" }, "nothing")],
      ], items, "No subscription pays for a licence yet."))],
  };
}

// --- audit ---------------------------------------------------------------------------------------------------------
async function audit() {
  const list = await growing("/v1/audit", { newest: true, limit: 100 }, (items) => table("Audit", [
    ["What", "", ({ action, target }) => [make("span", { class: "name" }, action.replaceAll(".", " ")), make("code", { class: "under" }, target)]],
    ["When", "keep", ({ at }) => time(at)],
    ["Who", "wide", ({ subject, lineage }) => [subject, make("code", { class: "under" }, lineage.slice(0, 12))]],
    ["Line", "number", ({ number: line }) => number(line)],
  ], items, "Nothing was done yet."), "after");
  return { title: "Audit", children: [section("Who did what, the newest first", make("span", { class: "soft small" }, "Lines are only added, and each has a digest over the one before."), list)] };
}

// --- begin ---------------------------------------------------------------------------------------------------------
try { token = sessionStorage.getItem("credential"); } catch { /* not kept */ }
// A page that is loaded anew leaves the focus where a reader expects it.
if (token) begin(false); else lock();
