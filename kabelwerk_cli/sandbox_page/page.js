"use strict";

// The page's address is `/#KEY/VIEW/ID`, or `/#KEY/json/KIND/ID`. The key lets this script read the
// data; browsers do not send what is after the `#`. All text from the sandbox becomes text nodes,
// never HTML.

const POLL = 700; // milliseconds between requests; nearly all are answered "not modified"
const RETRY = 2000; // milliseconds after a failure
const TIMEOUT = 5000;
const CREATE = "users create --key kusanagi --name Motoko";
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "full" });
const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const DAY_AND_TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const SEARCHED = {
  requests: "Search keys and paths",
  rooms: "Search messages, keys and names",
  room: "Search messages, keys and names",
  users: "Search keys and names",
};
const VIEWS = {
  requests: showRequests,
  request: showRequest,
  rooms: showRooms,
  room: showRoom,
  users: showUsers,
  json: showJson,
};

const $ = (selector, parent = document) => parent.querySelector(selector);
const controls = [...document.querySelectorAll("search :is(input, select)")];
const drawn = new WeakMap(); // what an element shows, as JSON
let key, view, kind, id; // from the address
let version = ""; // of the data on the page
let arrived = true; // whether the view is new, so that the focus and the selected room follow
let timer, request;

// building blocks

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  made.append(...children);
  return made;
}

/** Text from the sandbox: `bdi` keeps its writing direction from affecting what surrounds it. */
const foreign = (text, kind = "") => element("bdi", { class: kind }, text);

const address = (...parts) => `#${[key, ...parts].join("/")}`;

const link = (text, ...parts) => element("a", { href: address(...parts) }, text);

/** Text and a button that copies it. */
const copied = (text, what, name = "bdi") => [
  element(name, { class: "copied" }, text),
  element("button", { type: "button", "data-copy": text, "aria-label": `Copy ${what}` }, "Copy"),
];

/** Draw `item` in `node`, unless that is what it shows. */
function renew(node, item, draw) {
  const state = JSON.stringify(item);
  if (drawn.get(node) !== state) draw(node, item);
  drawn.set(node, state);
}

/** Make `list` show `items`. Elements of unchanged items keep their focus and selection. */
function fill(list, items, name, draw) {
  const wanted = new Set(items.map((item) => String(item.id)));
  for (const child of [...list.children]) if (!wanted.has(child.dataset.id)) child.remove();
  const known = new Map([...list.children].map((child) => [child.dataset.id, child]));
  items.forEach((item, index) => {
    const child = known.get(String(item.id)) ?? element(name, { "data-id": item.id });
    renew(child, item, item.day ? drawDay : draw);
    if (list.children[index] !== child) list.insertBefore(child, list.children[index] ?? null);
  });
}

/** Put each day before the first of its items, which are in the order of time. */
function byDay(items, time) {
  let last;
  return items.flatMap((item) => {
    const day = DAY.format(new Date(item[time]));
    return last === day ? [item] : [{ id: (last = day), day }, item];
  });
}

function drawDay(item, { day }) {
  item.className = "day";
  item.replaceChildren(element("h3", {}, day));
}

const clock = (time, format = TIME) =>
  element("time", { datetime: time }, format.format(new Date(time)));

/** A time, with its day unless that is today. */
const recent = (time) =>
  clock(time, new Date(time).toDateString() === new Date().toDateString() ? TIME : DAY_AND_TIME);

function drawFacts(list, rows) {
  list.replaceChildren(...rows.map(([name, ...value]) => element(
    "div", {}, element("dt", {}, foreign(name)), element("dd", {}, ...value),
  )));
}

/** Say in `note` why there is nothing to see, and what to run in a shell. */
function suggest(note, text, ...commands) {
  const words = (line) => line.split(" ").flatMap((word) => [element("span", {}, word), " "]);
  const lines = commands.map((line) => element("code", {}, ...words(`kabelwerk ${line}`)));
  note.replaceChildren(text, ...lines);
  note.hidden = !text;
}

/** Return a word as a POSIX shell reads it: keys are foreign text, and commands are copied. */
const quoted = (word) => (/^[\w.-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** Explain in `note` that these are not all, or why there are none. */
function explain(note, kind, { length }, more, advice, ...commands) {
  if (more) suggest(note, `These are the ${length} latest ${kind}. Search to find others.`);
  else if (length) suggest(note, "");
  else if (controls.some(({ value }) => value)) suggest(note, `No ${kind} match.`);
  else suggest(note, `No ${kind} yet. ${advice}`, ...commands);
}

const TAG_OR_TEXT = /<(\/?)(p|br|em|strong|a)(?: href="(https?:\/\/[^"]*)")?>|[^<]+|</g;
const CHARACTERS = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'" };
const plain = (html) => html.replace(/&(?:amp|lt|gt|quot|#39);/g, (name) => CHARACTERS[name]);

/** Return a message's HTML as nodes: the elements of the markup; anything else is text. */
function rendered(html) {
  const open = [document.createDocumentFragment()];
  for (const [piece, closing, name, target] of html.matchAll(TAG_OR_TEXT)) {
    const last = open.at(-1);
    if (!name) last.append(plain(piece));
    else if (name === "br") last.append(element("br"));
    else if (closing) open.length -= last.localName === name;
    else if (!open.some((other) => other.localName === name)) {
      const link = { href: plain(target ?? ""), target: "_blank", rel: "noopener noreferrer" };
      const made = element(name, target ? link : name === "p" ? { dir: "auto" } : {});
      last.append(made);
      open.push(made);
    }
  }
  return open[0];
}

const JSON_PART = /"(?:[^"\\]|\\.)*"|[{[]\s*[}\]]|[{}[\],:]|[^\s{}[\],:"]+/g;
const ESCAPED = /\\[^u]|(?:\\u[0-9a-fA-F]{4})+/g;

/** Return JSON on lines of its own, with each value as it was sent; other text as it is. */
function laidOut(text) {
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  let depth = 0;
  const line = () => `\n${"  ".repeat(depth)}`;
  return text.replace(/\s*$/, "").match(JSON_PART).map((part) => {
    if (part === "{" || part === "[") return depth++, part + line();
    if (part === "}" || part === "]") return depth--, line() + part;
    if (part === ",") return part + line();
    return part === ":" ? ": " : part.replace(ESCAPED, readable);
  }).join("");
}

/** Return an escaped letter as such, unless it could not be seen. */
function readable(escaped) {
  if (escaped[1] !== "u") return escaped;
  const text = JSON.parse(`"${escaped}"`);
  return /^[\p{L}\p{M}\p{N}\p{P}\p{S}]+$/u.test(text) && !/["\\]/.test(text) ? text : escaped;
}

// requests

const outcome = ({ status }) =>
  element("span", { class: `status s${String(status ?? "").slice(0, 1)}` }, status ?? "No response");

const fault = (text) => (text ? [element("span", { class: "badge" }, `Injected fault: ${text}`)] : []);

const options = (first, values) =>
  [["", first], ...values.map((value) => [value, value])].map(([id, text]) => ({ id, text }));

function choose(select, items) {
  fill(select, items, "option", (option, { id, text }) => {
    option.value = id;
    option.textContent = text;
  });
}

function showRequests(section, { requests, more, statuses, methods }) {
  choose($("#method"), options("All methods", methods));
  choose($("#status"), [
    ...options("All statuses", statuses),
    { id: "none", text: "No response" },
    { id: "fault", text: "Injected fault" },
  ]);
  fill($("#requests"), byDay(requests, "at"), "li", drawRequest);
  explain($(".note", section), "requests", requests, more, "Send one:", CREATE);
}

function drawRequest(item, shown) {
  item.replaceChildren(element(
    "a", { href: address("request", shown.id) },
    clock(shown.at), element("b", {}, foreign(shown.method)), foreign(shown.path, "path"),
    outcome(shown), element("span", { class: "took" }, `${shown.duration_ms} ms`), ...fault(shown.fault),
  ));
}

function showRequest(section, { request: shown, curl, changed }) {
  const heading = shown ? [foreign(`${shown.method} ${shown.path}`)] : ["This request is no longer kept."];
  $("h2", section).replaceChildren(...heading);
  renew($("dl", section), shown, (list) => drawFacts(list, !shown ? [] : [
    ["Status", outcome(shown), " ", ...fault(shown.fault)],
    ["Time", clock(shown.at, DAY_AND_TIME), ` (${shown.duration_ms} ms)`],
    ...(shown.key === null ? [] : [["Key", ...copied(shown.key, "key")]]),
    ...(changed ? [["Changed", link(changed[0] === "room" ? "Room" : "User", ...changed)]] : []),
    ...(shown.request_id ? [["Request ID", ...copied(shown.request_id, "request ID")]] : []),
    ["User agent", foreign(shown.user_agent ?? "None")],
  ]));
  renew($("#bodies"), shown, (part) => part.replaceChildren(...(!shown ? [] : [
    ...body("Request body", "request body", shown.request_body, shown.request_bytes),
    ...body("Response body", "response body", shown.response_body, shown.response_bytes),
    element("h3", {}, "Send it again"),
    ...(curl ? copied(curl, "command", "pre") : [element("p", {}, "The body is not kept as it was sent.")]),
  ])));
}

function body(heading, what, text, size) {
  if (text === null) return [element("h3", {}, heading), element("p", {}, "Empty")];
  const cut = size > text.length && size > 65536 ? ", of which the beginning is kept" : "";
  return [
    element("h3", {}, heading),
    element("p", { class: "note" }, `${size} ${size === 1 ? "byte" : "bytes"}${cut}`),
    ...copied(laidOut(text), what, "pre"),
  ];
}

// rooms

const named = (person) =>
  element("span", { class: "who" }, foreign(person.name, "name"), " ", foreign(person.key, "key"));

const author = (user) => (user ? user.name : "Deleted user");

function showRoomList({ rooms, more, hubs }) {
  choose($("#hub"), options("All hubs", hubs));
  const items = rooms.map((item) => ({ ...item, current: String(item.id) === id }));
  fill($("#rooms ul"), items, "li", drawRoom);
  explain($("#rooms .note"), "rooms", rooms, more, "Create an end user:", CREATE);
  if (arrived) $("#rooms [aria-current]")?.scrollIntoView({ block: "nearest" });
}

function drawRoom(item, { id, hub, user, hub_user, archived, messages, last, current }) {
  const anchor = item.firstChild ?? item.appendChild(element("a"));
  anchor.href = address("room", id);
  if (current) anchor.setAttribute("aria-current", "page");
  else anchor.removeAttribute("aria-current");
  const facts = element("span", { class: "facts" }, foreign(hub), " ");
  if (archived) facts.append(element("span", { class: "badge" }, "Archived"), " ");
  if (hub_user) facts.append(foreign(`Assigned to ${hub_user.name}`), " ");
  facts.append(`${messages} ${messages === 1 ? "message" : "messages"}`);
  anchor.replaceChildren(named(user), facts);
  if (!last) return;
  facts.append(" ", recent(last.inserted_at));
  anchor.append(foreign(`${author(last.user)}: ${last.text}`, "last"));
}

function showRooms(section, data) {
  showRoomList(data);
  const searched = $("#filter").value !== "";
  document.body.classList.toggle("searched", searched);
  $("h2", section).textContent = searched ? "Matching messages" : "Latest messages";
  fill($("#latest"), byDay(data.messages.reverse(), "inserted_at"), "li", drawMessage);
  const note = $(".note", section);
  if (searched && !data.messages.length) suggest(note, "No messages match.");
  else suggestMessage(note, data.messages, data.rooms[0]);
}

function drawMessage(item, { id, user, room: owner, room_id, hub, html, inserted_at }) {
  item.className = user?.key === owner ? "own" : "";
  const head = element("p", { class: "head" }, foreign(author(user)));
  if (view === "rooms") {
    head.append(" in room ", link(foreign(owner), "room", room_id), " of hub ", foreign(hub));
  }
  const json = link("JSON", "json", "messages", id);
  json.setAttribute("aria-label", `JSON of message ${id}`);
  head.append(" · ", clock(inserted_at), " · ", json);
  item.replaceChildren(head, element("div", { class: "bubble" }, rendered(html)));
}

function showRoom(section, data) {
  const { room: shown, messages } = data;
  showRoomList(data);
  section.classList.toggle("missing", !shown);
  $("h2", section).replaceChildren(shown ? foreign(shown.user.name) : "This room does not exist.");
  if (!shown) return;
  renew($("#room .values"), [shown.user.key, shown.hub], (line) => line.replaceChildren(
    ...copied(shown.user.key, "key"), " Hub ", foreign(shown.hub), " ", link("JSON", "json", "rooms", id),
  ));
  renew($("#facts"), shown, (list) => drawFacts(list, [
    ["Assigned to", ...(shown.hub_user ? [named(shown.hub_user)] : ["Nobody"])],
    ["State", shown.archived ? "Archived" : "Active"],
  ]));
  renew($("#attributes"), shown.attributes, (list, rows) =>
    drawFacts(list, rows.map(([name, value]) => [name, foreign(value)])));
  suggest($("aside .note", section), shown.attributes.length ? "" : "None");
  showChat(messages);
  suggestMessage($(".chat .note", section), messages, shown);
}

function suggestMessage(note, messages, example) {
  if (messages.length) return suggest(note, "");
  if (!example) return suggest(note, "No messages yet.");
  const [hub, user] = [example.hub, example.user.key].map(quoted);
  const line = `messages post --hub ${hub} --room ${user} --user ${user} --text Hello`;
  suggest(note, "No messages yet. Post one:", line);
}

function showChat(messages) {
  const list = $("#chat");
  const last = list.lastElementChild;
  const atEnd = !last || last.getBoundingClientRect().bottom < innerHeight + 60;
  const known = Number(last?.dataset.id ?? Infinity);
  fill(list, byDay(messages, "inserted_at"), "li", drawMessage);
  const news = messages.filter(({ id }) => id > known);
  if (news.length) {
    $("#news").textContent = news.length > 1
      ? `${news.length} new messages`
      : `New message from ${author(news[0].user)}`;
  }
  if (atEnd && (news.length || !last)) list.lastElementChild?.scrollIntoView({ block: "end" });
}

// users, and anything as JSON

function showUsers(section, { users, more, hubs }) {
  fill($("#users"), users, "li", drawUser);
  const hubUser = `users create --key batou --name Batou --hub ${quoted(hubs[0] ?? "_")}`;
  explain($(".note", section), "users", users, more, "Create an end user and a hub user:", CREATE, hubUser);
}

function drawUser(item, { id, name, key: user, hub, rooms }) {
  const role = hub === null ? ["End user"] : ["Hub user of ", foreign(hub)];
  item.replaceChildren(
    foreign(name, "name"),
    element("span", {}, ...copied(user, `key ${user}`)),
    element("span", { class: "facts" }, ...role),
    ...rooms.map(([room, hub]) => link(foreign(`Room in ${hub}`), "room", room)),
    link(`JSON of user ${id}`, "json", "users", id),
  );
}

function showJson(section, { record }) {
  const one = { users: "User", rooms: "Room", messages: "Message" }[kind];
  const found = record && JSON.parse(record);
  const parent = { users: ["users", id], rooms: ["room", id], messages: ["room", found?.room_id] }[kind];
  $(".back", section).href = address(...(found ? parent : ["requests"]));
  $("h2", section).textContent = found ? `${one} ${id}` : `${one} ${id} does not exist.`;
  renew($("#json"), record, (part) => part.replaceChildren(...(found ? copied(laidOut(record), "JSON", "pre") : [])));
}

// reading the data

function show(data) {
  const section = $(`main > [data-view="${view}"]`);
  VIEWS[view](section, data);
  const heading = $("h2", section);
  document.title = `${heading.textContent} – Kabelwerk sandbox`;
  if (arrived === "followed") heading.focus({ preventScroll: true });
  arrived = false;
}

function report(state) {
  document.body.dataset.state = state;
  if ($("#state").textContent !== state) $("#state").textContent = state;
}

async function poll() {
  clearTimeout(timer);
  request?.abort();
  const mine = (request = new AbortController());
  const query = new URLSearchParams({ view, ...(id && { id }), ...(kind && { kind }) });
  query.set("search", $("#filter").value);
  for (const control of controls.slice(1)) query.set(control.id, control.value);
  let wait = POLL;
  let data;
  try {
    const answer = await fetch(`/page/data?${query}`, {
      cache: "no-store",
      headers: { "X-Sandbox-Key": key, "If-None-Match": version },
      signal: AbortSignal.any([mine.signal, AbortSignal.timeout(TIMEOUT)]),
    });
    if (answer.status === 403) return enter("start");
    if (answer.status !== 304 && !answer.ok) throw new Error(answer.statusText);
    if (answer.ok) data = await answer.json();
    if (data && !mine.signal.aborted) version = answer.headers.get("ETag");
    report("Live");
  } catch {
    wait = RETRY;
    if (!mine.signal.aborted) report("Disconnected");
  }
  if (mine.signal.aborted) return; // another view, or another filter
  if (!document.hidden) timer = setTimeout(poll, wait);
  if (data) show(data);
}

/** Switch to a view, and start to read its data. */
function enter(name) {
  view = name;
  document.body.dataset.view = view;
  for (const part of document.querySelectorAll("main > section")) {
    part.hidden = part.dataset.view !== view;
  }
  for (const part of document.querySelectorAll("[data-for]")) {
    part.hidden = !part.dataset.for.split(" ").includes(view);
  }
  $("search").hidden = !(view in SEARCHED);
  $("search label").textContent = SEARCHED[view];
  $("#rooms").hidden = view !== "rooms" && view !== "room";
  for (const link of document.querySelectorAll("a[data-view]")) {
    link.href = address(link.dataset.view);
    if (`${view}s`.startsWith(link.dataset.view)) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  clearTimeout(timer);
  request?.abort();
  version = "";
  if (view !== "start") poll();
  else report("");
}

function route() {
  let name, where;
  [key, name = "requests", ...where] = location.hash.slice(1).split("/");
  id = where.at(-1);
  kind = where.length > 1 ? where[0] : "";
  $("#chat").replaceChildren();
  if (!(name in VIEWS) || (id !== undefined && !/^\d{1,15}$/.test(id))) [name, id, kind] = ["requests"];
  // what is searched for in one place is not in another
  if (`${name}s`.slice(0, 4) !== `${view}s`.slice(0, 4)) for (const control of controls) control.value = "";
  enter(/^[\w-]+$/.test(key) ? name : "start");
}

/** The arrow keys move through the rooms or requests, from the search on. */
function step(event) {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const links = [...document.querySelectorAll("#rooms a, #requests a")].filter((one) => one.checkVisibility());
  if (!by || !links.length) return;
  const at = links.indexOf(document.activeElement) + by;
  if (at < 0) $("#filter").focus();
  else links[Math.min(at, links.length - 1)].focus();
  event.preventDefault();
}

addEventListener("hashchange", () => {
  arrived = "followed";
  route();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && view !== "start") poll();
});
document.addEventListener("click", async ({ target }) => {
  if (target.dataset.copy === undefined) return;
  await navigator.clipboard.writeText(target.dataset.copy);
  $("#news").textContent = target.textContent = "Copied";
  setTimeout(() => (target.textContent = "Copy"), 2000);
});
for (const control of controls) control.addEventListener("input", () => enter(view));
for (const part of [$("#filter"), $("#rooms"), $("#requests")]) part.addEventListener("keydown", step);
$("#skip").addEventListener("click", () => $("#content").focus());
route();
