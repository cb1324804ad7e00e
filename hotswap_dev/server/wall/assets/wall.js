"use strict";

// All that comes from outside is text: it is set by textContent, and never made into markup or an address.

const PAGE = { wide: 360, high: 640 };
const LONGEST_LOADING = 4000; // milliseconds
const SILENT = "The server does not answer: this is how it was.";
const AGAIN = 3000; // milliseconds
const SIGNS = { good: "✓", fine: "●", plain: "○", odd: "◆", bad: "✕" };
const INSTEAD = {
  embedded: ["the embedded page", "compiled into the app"],
  gone: ["bundle gone", "it was pruned here"],
  unknown: ["not from here", "this server has no such release"],
};

const byId = (id) => document.getElementById(id);
const wall = byId("wall");
const phones = new Map();

function made(tag, kind, text = "") {
  const element = document.createElement(tag);
  if (kind) element.className = kind;
  element.textContent = text;
  return element;
}

function newPhone() {
  const figure = made("figure");
  const screen = made("div", "screen");
  const caption = made("figcaption");
  const parts = {
    name: made("span"),
    platform: made("small"),
    sequence: made("b"),
    sign: made("span", "sign"),
    words: made("span"),
  };
  const name = made("span", "name");
  name.append(parts.name, " ", parts.platform);
  const state = made("span", "state");
  const label = made("span", "label");
  label.append(parts.sign, parts.words);
  state.append(parts.sequence, " ", label);
  parts.standing = made("span", "standing");
  caption.append(name, state, parts.standing);
  figure.append(screen, caption);
  wall.append(figure);
  return { figure, screen, caption, ...parts, shows: null };
}

function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function framed(phone) {
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "allow-scripts");
  frame.referrerPolicy = "no-referrer";
  frame.loading = "lazy";
  frame.scrolling = "no";
  frame.tabIndex = -1;
  frame.title = phone.name;
  // White only once there is a page; one that never ends its loading is shown as it is.
  const reveal = () => frame.classList.add("loaded");
  frame.addEventListener("load", reveal);
  setTimeout(reveal, LONGEST_LOADING);
  frame.src = phone.page;
  return frame;
}

function instead(kind) {
  const said = made("div", "said");
  const [what, why] = INSTEAD[kind];
  said.append(made("b", "", what), made("span", "", why));
  return said;
}

function draw(one, phone) {
  const { figure } = one;
  figure.dataset.tone = phone.tone;
  figure.dataset.standing = phone.standing;
  one.caption.title = phone.sentence;
  say(one.name, phone.name);
  say(one.platform, phone.platform);
  say(one.sequence, phone.kind === "embedded" ? "" : phone.sequence);
  say(one.sign, `${SIGNS[phone.tone]} `);
  say(one.words, phone.words);
  say(one.standing, (phone.tone === "bad" && phone.detail) || phone.standing_words || " ");
  const shows = `${phone.kind} ${phone.sequence}`;
  if (one.shows === shows) return;
  one.screen.replaceChildren(phone.kind === "page" ? framed(phone) : instead(phone.kind));
  figure.classList.remove("changed");
  if (one.shows !== null) {
    void figure.offsetWidth; // or the same animation would not begin again
    figure.classList.add("changed");
  }
  one.shows = shows;
}

function drawLine(line) {
  const row = made("div", "line");
  const what = made("span", "what");
  const rollout = line.paused ? "paused" : line.percent < 100 ? `rollout ${line.percent} %` : "for everyone";
  what.append(made("b", "", line.sequence), ` ${line.version} `, made("small", "", `${line.channel} · ${rollout}`));
  const bar = made("span", "bar");
  const lost = line.failed + line.fell_back;
  for (const [kind, count] of [
    ["confirmed", line.confirmed],
    ["running", line.running - line.confirmed],
    ["lost", lost],
  ]) {
    const part = made("i", kind);
    part.style.width = `${(100 * count) / Math.max(1, line.clients)}%`;
    bar.append(part);
  }
  const came = [`${line.running} of ${line.clients} run it`];
  if (line.confirmed) came.push(`${line.confirmed} confirmed`);
  if (line.fell_back) came.push(`${line.fell_back} fell back`);
  if (line.failed) came.push(`${line.failed} failed`);
  row.append(what, bar, made("span", "came", came.join(" · ")));
  return row;
}

function layOut() {
  // Phones as large as they can be, all of them in sight: each number of columns is tried.
  const count = phones.size;
  if (!count) return;
  const small = count > 24 ? 11 : count > 12 ? 12 : 14;
  wall.classList.toggle("-dense", count > 12);
  const caption = Math.ceil(small * 1.3 * 3) + 5;
  const style = getComputedStyle(wall);
  const width = wall.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  const height = wall.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
  let best = { high: 0, columns: 1 };
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const high = Math.min(
      height / rows - caption - 16,
      ((width / columns - 14) * PAGE.high) / PAGE.wide,
      PAGE.high,
    );
    // Of two that are as large, the one that fills its last row better.
    if (high > best.high + 0.5) best = { high, columns };
  }
  const rim = best.high > 200 ? 5 : 3;
  const high = Math.max(24, Math.floor(best.high));
  const wide = Math.floor((high * PAGE.wide) / PAGE.high);
  const scale = (wide - 2 * rim) / PAGE.wide;
  const page = (high - 2 * rim) / scale; // as high as the screen is, whatever its rim takes
  const sizes = { columns: best.columns, wide, high, rim, small, scale, page };
  for (const [name, value] of Object.entries(sizes)) wall.style.setProperty(`--${name}`, value);
}

function show(picture) {
  document.title = `${picture.app} · wall of phones`;
  say(byId("app"), picture.app);
  byId("lines").replaceChildren(...picture.lines.map(drawLine));
  const before = phones.size;
  const here = new Set(picture.phones.map((phone) => phone.id));
  for (const [id, one] of phones) {
    if (here.has(id)) continue;
    one.figure.remove();
    phones.delete(id);
  }
  const gone = before - phones.size;
  picture.phones.forEach((phone, place) => {
    if (!phones.has(phone.id)) phones.set(phone.id, newPhone());
    const one = phones.get(phone.id);
    one.figure.style.order = place; // a frame that is moved in the document would load its page anew
    draw(one, phone);
  });
  byId("nobody").hidden = phones.size > 0;
  say(byId("more"), picture.more ? `and ${picture.more.toLocaleString("en")} more` : "");
  if (gone || phones.size !== before) layOut();
}

const troubles = { lost: "", blind: "" };

function trouble(what, text) {
  if (troubles[what] === text) return;
  troubles[what] = text;
  say(byId("trouble"), troubles.lost || troubles.blind);
  byId("trouble").hidden = !(troubles.lost || troubles.blind);
  layOut();
}

new ResizeObserver(layOut).observe(wall);

function listen() {
  const events = new EventSource("events");
  events.onmessage = (message) => {
    trouble("lost", "");
    show(JSON.parse(message.data));
    document.body.dataset.shown = "yes";
  };
  events.onerror = async () => {
    // A browser tries again by itself where nobody answers, and never where it was refused.
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, AGAIN);
    trouble("lost", events.readyState === EventSource.CLOSED ? await refusal() : SILENT);
  };
}

async function refusal() {
  const page = await fetch("./", { method: "HEAD" }).catch(() => null);
  if (!page) return SILENT;
  return page.ok ? "Too many walls are looked at already: close one of them." : "The server of this wall has ended.";
}

listen();

fetch(document.body.dataset.probe, { mode: "no-cors" }).catch(() =>
  trouble("blind", "This browser finds no names under localhost, which the frames need: use Chromium or Firefox."),
);
