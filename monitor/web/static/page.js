// Makes the page live: without this script it is the same page, which shows something new when it is loaded again.
//
//   [data-stream]      the list of events, newest first. New ones that fit its filter (data-source, data-kind,
//                      data-text) are put on top; data-most rows are kept. Rows have data-event, the event's id;
//                      data-after on the list is the last event there was, where the list does not show it.
//   [data-live]        a part that is fetched anew from data-src when something changes that data-live names
//   [data-connection]  where it is said whether the page is live
//   [data-trouble]     what is shown while the state cannot be read
//   [data-pause]       a button that holds new rows back while somebody reads
//   [data-announce]    what a screen reader is told, politely
//   time[data-near]    a time in words, such as "3 min ago"
"use strict";

const NEW_AT_ONCE = 500;
const ANNOUNCED_EVERY_MS = 5000;
const PART_EVERY_MS = 1000;
const FRESHENED_EVERY_MS = 60000;
const SETTLED_AFTER_MS = 2500; // the server counts a large state seldom, so that its counts may come late
const TICK_MS = 5000;
const STATES = {
  live: "Live",
  paused: "Paused",
  lost: "Connection lost: trying again",
  trouble: "The state cannot be read: trying again",
};

const list = document.querySelector("[data-stream]");
const connection = document.querySelector("[data-connection]");
const trouble = document.querySelector("[data-trouble]");
const announcer = document.querySelector("[data-announce]");
const pause = document.querySelector("[data-pause]");

// HTML of our own server, and of nobody else, becomes elements here, and nowhere else.
const sameText = { createHTML: (html) => html };
const policy = window.trustedTypes ? window.trustedTypes.createPolicy("fragments", sameText) : sameText;

function elementsOf(html) {
  const template = document.createElement("template");
  template.innerHTML = policy.createHTML(html);
  return template.content;
}

// Fetch from our own server; null if that fails. Whoever is logged out meanwhile is led to the log-in.
async function ask(address) {
  try {
    const answer = await fetch(address, { cache: "no-store", headers: { Accept: "text/html" } });
    if (answer.redirected || answer.status === 401) location.reload();
    return answer.ok && !answer.redirected ? elementsOf(await answer.text()) : null;
  } catch {
    return null; // the server is away: what has changed is fetched when it is back
  }
}

// ---- Parts

class Part {
  constructor(element) {
    this.element = element;
    this.names = element.dataset.live.split(/\s+/);
    this.fetchedAt = -Infinity;
    this.timer = 0;
    this.later = 0;
    this.isWanted = false;
    element.addEventListener("focusout", () => this.isWanted && this.freshen());
  }

  // Fetch it soon: at most once a second, however often this is called.
  freshen() {
    this.isWanted = true;
    if (this.timer) return;
    const wait = this.fetchedAt + PART_EVERY_MS - performance.now();
    this.timer = setTimeout(() => this.fetch(), Math.max(0, wait));
  }

  async fetch() {
    this.fetchedAt = performance.now();
    if (!this.isTypedIn()) {
      this.isWanted = false;
      const fetched = await ask(this.element.dataset.src);
      if (fetched && !this.isTypedIn()) becomeQuietly(this.element, fetched);
      else if (fetched) this.isWanted = true;
    }
    this.timer = 0;
    if (this.isWanted && !this.isTypedIn()) this.freshen();
  }

  isTypedIn() {
    const focused = document.activeElement;
    return this.element.contains(focused) && focused.matches("input, select, textarea");
  }
}

const parts = [...document.querySelectorAll("[data-live]")].map((element) => new Part(element));

function freshen(names) {
  for (const part of parts.filter((part) => !names || part.names.some((name) => names.includes(name)))) {
    part.freshen();
    clearTimeout(part.later);
    part.later = setTimeout(() => part.freshen(), SETTLED_AFTER_MS);
  }
}

// ---- The list of events

const newest = () => Math.max(0, ...[...list.querySelectorAll("[data-event]")].map((row) => Number(row.dataset.event)));
let last = list ? Math.max(Number(list.dataset.after || 0), newest()) : 0;
let held = [];
let hasMissed = false;
const isPaused = () => pause !== null && pause.getAttribute("aria-pressed") === "true";

function fits(event) {
  const { source, kind, text } = list.dataset;
  return (
    (!source || source === event.source) &&
    (!kind || kind.split(/[\s,]+/).includes(event.kind)) &&
    (!text || event.text.includes(text.toLowerCase()))
  );
}

function happened(event) {
  if (!list || event.id <= last) return;
  last = event.id;
  if (!fits(event)) return;
  held.push(event);
  if (held.length > NEW_AT_ONCE) {
    held = [];
    hasMissed = true;
  }
  if (!isPaused()) show();
}

function show() {
  if (hasMissed) reload();
  for (const event of held) {
    const row = elementsOf(event.html).firstElementChild;
    row.dataset.event = event.id;
    row.classList.add("fresh");
    list.prepend(row);
    announce(event.said);
  }
  list.querySelectorAll("[data-empty]").forEach((row) => held.length && row.remove());
  held = [];
  trim();
}

// The oldest rows go; the link to older ones then begins with them.
function trim() {
  const rows = [...list.querySelectorAll("[data-event]")];
  const most = Number(list.dataset.most || 200);
  if (rows.length <= most) return;
  rows.slice(most).forEach((row) => row.remove());
  document.querySelectorAll("a[rel~=next]").forEach((link) => {
    const address = new URL(link.href);
    address.searchParams.set("before", rows[most - 1].dataset.event);
    link.href = address.href;
  });
}

async function reload() {
  hasMissed = false;
  const page = await ask(location.href);
  const fetched = page && page.querySelector("[data-stream]");
  if (!fetched) return;
  becomeQuietly(list, fetched);
  last = Math.max(last, newest());
}

function missed() {
  freshen();
  if (!list) return;
  hasMissed = true;
  if (!isPaused()) show();
}

if (pause) {
  pause.hidden = false;
  pause.addEventListener("click", () => {
    pause.setAttribute("aria-pressed", String(!isPaused()));
    if (!isPaused()) show();
    tellState();
  });
}

// ---- What is said: to everybody, and to screen readers

let state = "live";

function tellState(now = state) {
  state = now;
  if (trouble) trouble.hidden = state !== "trouble";
  if (!connection) return;
  const shown = state === "live" && isPaused() ? "paused" : state;
  const text = STATES[shown] + (held.length ? `: ${held.length} new` : "");
  connection.dataset.connection = shown;
  if (connection.textContent !== text) connection.textContent = text;
}

let unsaid = [];
let announcing = 0;

function announce(text) {
  unsaid.push(text);
  announcing ||= setTimeout(say, 250);
}

function say() {
  announcing = 0;
  if (unsaid.length === 0) return;
  const more = unsaid.length > 3 ? ` and ${unsaid.length - 3} more` : "";
  const counted = unsaid.length === 1 ? "1 new event" : `${unsaid.length} new events`;
  if (announcer) announcer.textContent = `${counted}: ${unsaid.slice(0, 3).join("; ")}${more}`;
  unsaid = [];
  announcing = setTimeout(say, ANNOUNCED_EVERY_MS);
}

// ---- The stream

let stream = null;
let refused = 0;
let retry = 0;
let serverIsAhead = null;

function connect() {
  clearTimeout(retry);
  if (stream || document.hidden) return;
  stream = new EventSource(list ? `/stream?after=${last}` : "/stream");
  const on = (name, does) =>
    stream.addEventListener(name, (message) => {
      does(JSON.parse(message.data));
      last = Math.max(last, Number(message.lastEventId));
      tellState(name === "trouble" ? "trouble" : "live");
    });
  stream.onopen = () => (refused = 0);
  stream.onerror = lost;
  on("hello", ({ now }) => {
    serverIsAhead = now - Date.now();
    parts.forEach((part) => part.freshen()); // from here on it is told what changes, but not what did before
  });
  on("event", happened);
  on("changed", ({ parts: names }) => freshen(names));
  on("resync", missed);
  on("trouble", () => {});
}

// The browser tries again by itself, unless it was refused: then we do, and see whether somebody must log in again.
function lost() {
  tellState("lost");
  if (stream.readyState !== EventSource.CLOSED) return;
  disconnect();
  retry = setTimeout(connect, Math.min(30000, 2000 * 2 ** refused++) * (1 + Math.random()));
  ask(location.href);
}

// A page that nobody sees holds no connection: browsers have six for each server, however many pages are open.
function disconnect() {
  if (stream) stream.close();
  stream = null;
}

if (list || parts.length) {
  connect();
  setInterval(() => document.hidden || freshen(), FRESHENED_EVERY_MS);
  document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()));
  window.addEventListener("pagehide", disconnect);
}

// ---- Times in words, and forms that are sent once

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const SHORT = { day: " day", hour: " h", minute: " min", second: " s" };

function near(time) {
  const seconds = (Date.now() + serverIsAhead - Date.parse(time.dateTime)) / 1000;
  const span = Math.abs(seconds);
  if (span < 5) return "just now";
  const [unit, size] = UNITS.find(([, size]) => span >= size);
  const count = Math.floor(span / size);
  const said = `${count}${SHORT[unit]}${unit === "day" && count > 1 ? "s" : ""}`;
  return seconds > 0 ? `${said} ago` : `in ${said}`;
}

function tick() {
  if (serverIsAhead === null || document.hidden) return;
  for (const time of document.querySelectorAll("time[data-near]")) {
    const text = near(time);
    if (time.textContent !== text) time.textContent = text;
  }
}

setInterval(tick, TICK_MS);

const buttonsOf = (form) => form.querySelectorAll("button, input[type=submit]");

document.addEventListener("submit", (event) => {
  // Later, as the button that is disabled now would not be sent.
  setTimeout(() => buttonsOf(event.target).forEach((button) => (button.disabled = true)));
});
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  document.querySelectorAll("form").forEach((form) => buttonsOf(form).forEach((button) => (button.disabled = false)));
  freshen();
  connect();
});
