"use strict";

// The page's address is `/#KEY/VIEW/ROOM`. The key lets this script read the data; browsers do not
// send what is after the `#`. All text from the sandbox becomes text nodes, never HTML.

const POLL = 700; // milliseconds between requests; nearly all are answered "not modified"
const RETRY = 2000; // milliseconds after a failure
const TIMEOUT = 5000;
const CREATE = "users create --key kusanagi --name Motoko";
const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

const $ = (selector, parent = document) => parent.querySelector(selector);
const drawn = new WeakMap(); // the item that an element shows, as JSON
let key, view, room; // from the address
let version = ""; // of the data on the page
let arrived; // whether somebody has just followed a link, so that the focus follows
let timer, request;

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  made.append(...children);
  return made;
}

/** Text from the sandbox: `bdi` keeps its writing direction from affecting what surrounds it. */
const foreign = (text, kind = "") => element("bdi", { class: kind }, text);

const address = (...parts) => `#${[key, ...parts].join("/")}`;

/** Make `list` show `items`. Elements of unchanged items keep their focus and selection. */
function fill(list, items, name, draw) {
  const wanted = new Set(items.map((item) => String(item.id)));
  for (const child of [...list.children]) if (!wanted.has(child.dataset.id)) child.remove();
  const known = new Map([...list.children].map((child) => [child.dataset.id, child]));
  items.forEach((item, index) => {
    const id = String(item.id);
    const child = known.get(id) ?? element(name, { "data-id": id });
    const state = JSON.stringify(item);
    if (drawn.get(child) !== state) draw(child, item);
    drawn.set(child, state);
    if (list.children[index] !== child) list.insertBefore(child, list.children[index] ?? null);
  });
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

const named = (person) =>
  element("span", { class: "who" }, foreign(person.name, "name"), " ", foreign(person.key, "key"));

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
function explain(note, kind, { items, more, filtered }, advice, ...commands) {
  if (more) suggest(note, `These are the ${items.length} newest ${kind}. Filter to find others.`);
  else if (items.length) suggest(note, "");
  else if (filtered) suggest(note, `No ${kind} match the filter.`);
  else suggest(note, `No ${kind} yet. ${advice}`, ...commands);
}

const valued = ([name, value], id) => ({ id, name, value });

function drawFact(row, { name, value }) {
  row.replaceChildren(
    element("dt", {}, foreign(name)),
    element("dd", {}, typeof value === "string" ? foreign(value) : named(value)),
  );
}

function drawHub(part, hub) {
  if (!part.firstChild) {
    part.append(element("h2"), element("ul"), element("p", { class: "note" }));
  }
  const [heading, list, note] = part.children;
  heading.replaceChildren(foreign(hub.slug));
  fill(list, hub.items, "li", drawRoom);
  explain(note, "rooms", hub, "Create an end user:", CREATE);
}

function drawRoom(item, { id, user, hub_user, archived, attributes, current }) {
  const link = item.firstChild ?? item.appendChild(element("a"));
  link.href = address("room", id);
  if (current) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
  const facts = element("span", { class: "facts" });
  if (archived) facts.append(element("span", { class: "badge" }, "Archived"), " ");
  facts.append(foreign(hub_user ? `Assigned to ${hub_user.name}` : "Unassigned"));
  const notes = attributes.flatMap(([name, value]) => [foreign(`${name}: ${value}`), " "]);
  link.replaceChildren(named(user), facts);
  if (notes.length) link.append(element("span", { class: "notes" }, ...notes));
}

const author = (user) => (user ? user.name : "Deleted user");

function drawMessage(item, { user, room: owner, room_id, hub, html, inserted_at }) {
  item.className = user?.key === owner ? "own" : "";
  const head = element("p", { class: "head" }, foreign(author(user)));
  if (view === "rooms") {
    const link = element("a", { href: address("room", room_id) }, foreign(owner));
    head.append(" in room ", link, " of hub ", foreign(hub));
  }
  const time = TIME.format(new Date(inserted_at));
  head.append(" · ", element("time", { datetime: inserted_at }, time));
  item.replaceChildren(head, element("div", { class: "bubble" }, rendered(html)));
}

function drawUser(row, { name, key: user, hub }) {
  const role = hub === null ? ["End user"] : ["Hub user of ", foreign(hub)];
  row.replaceChildren(
    element("td", {}, foreign(name, "name")),
    element("td", {}, foreign(user, "key")),
    element("td", {}, ...role),
  );
}

function showRoom(section, { room: shown, messages }) {
  section.classList.toggle("missing", !shown);
  $("h2", section).replaceChildren(shown ? foreign(shown.user.name) : "This room does not exist.");
  if (!shown) return;
  fill($("#facts"), [
    ["Key", shown.user.key],
    ["Hub", shown.hub],
    ["Assigned to", shown.hub_user ?? "Nobody"],
    ["State", shown.archived ? "Archived" : "Active"],
  ].map(valued), "div", drawFact);
  fill($("#attributes"), shown.attributes.map(valued), "div", drawFact);
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
  fill(list, messages, "li", drawMessage);
  const news = messages.filter(({ id }) => id > known);
  if (news.length) {
    $("#news").textContent = news.length > 1
      ? `${news.length} new messages`
      : `New message from ${author(news[0].user)}`;
  }
  if (atEnd && (news.length || !last)) list.lastElementChild?.scrollIntoView({ block: "end" });
}

function show(data) {
  const filtered = $("#filter").value !== "";
  const hubs = data.hubs.map((hub) => ({
    ...hub,
    filtered,
    items: hub.rooms.map((item) => ({ ...item, current: String(item.id) === room })),
  }));
  fill($("#hubs"), hubs, "section", drawHub);
  const section = $(`main > [data-view="${view}"]`);
  if (view === "room") showRoom(section, data);
  else if (view === "users") showUsers(section, data, filtered);
  else showLatest(section, data);
  const heading = $("h2", section);
  document.title = `${heading.textContent} – Kabelwerk sandbox`;
  if (arrived) heading.focus({ preventScroll: view === "room" });
  arrived = false;
}

function showLatest(section, { messages, hubs }) {
  fill($("#latest"), messages.reverse(), "li", drawMessage);
  suggestMessage($(".note", section), messages, hubs.flatMap(({ rooms }) => rooms)[0]);
}

function showUsers(section, { users, more, hubs }, filtered) {
  fill($("#users"), users, "tr", drawUser);
  $("table", section).hidden = users.length === 0;
  const hubUser = `users create --key batou --name Batou --hub ${quoted(hubs[0]?.slug ?? "_")}`;
  const found = { items: users, more, filtered };
  const advice = "Create an end user and a hub user:";
  explain($(".note", section), "users", found, advice, CREATE, hubUser);
}

function report(state) {
  document.body.dataset.state = state;
  if ($("#state").textContent !== state) $("#state").textContent = state;
}

async function poll() {
  clearTimeout(timer);
  request?.abort();
  const mine = (request = new AbortController());
  const query = new URLSearchParams({ search: $("#filter").value });
  if (view === "room") query.set("room", room);
  if (view === "users") query.set("users", "true");
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
  for (const link of document.querySelectorAll("header a")) {
    link.href = address(link.dataset.view);
    if (link.dataset.view === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  clearTimeout(timer);
  request?.abort();
  version = "";
  if (view !== "start") poll();
  else report("");
}

function route() {
  let name;
  [key, name = "rooms", room] = location.hash.slice(1).split("/");
  $("#chat").replaceChildren();
  if (!/^[\w-]+$/.test(key)) name = "start";
  else if (name === "room" ? !/^\d{1,15}$/.test(room) : name !== "users") name = "rooms";
  enter(name);
}

/** The arrow keys move through the rooms, from the filter on. */
function step(event) {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const links = [...document.querySelectorAll("#hubs a")];
  if (!by || !links.length) return;
  const at = links.indexOf(document.activeElement) + by;
  if (at < 0) $("#filter").focus();
  else links[Math.min(at, links.length - 1)].focus();
  event.preventDefault();
}

addEventListener("hashchange", () => {
  arrived = true;
  route();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && view !== "start") poll();
});
$("#filter").addEventListener("input", () => enter(view));
for (const part of [$("#filter"), $("#hubs")]) part.addEventListener("keydown", step);
$("#skip").addEventListener("click", () => $("#content").focus());
route();
