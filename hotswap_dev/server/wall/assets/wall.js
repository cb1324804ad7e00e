"use strict";

// All that comes from outside is text: it is set by textContent, and never made into markup or an address.

const PAGE = { wide: 360, high: 640 };
const LONGEST_LOADING = 4000; // milliseconds
const STILL = new URLSearchParams(location.search).has("still"); // one picture: a browser that takes one waits for the end
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

function sayBroken(element, text) {
  // A browser breaks no line before a digit, and ids are full of them.
  if (element.textContent === text) return;
  const pieces = text.split(/(?<=[-_.:])(?=.)/);
  element.replaceChildren(...pieces.flatMap((piece, at) => (at ? [document.createElement("wbr"), piece] : [piece])));
}

function framed(phone) {
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "allow-scripts");
  frame.referrerPolicy = "no-referrer";
  frame.loading = STILL ? "eager" : "lazy";
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
  sayBroken(one.name, phone.name);
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
  if (line.running) came.push(`${line.confirmed || "none"} confirmed`);
  if (line.fell_back) came.push(`${line.fell_back} fell back`);
  if (line.failed) came.push(`${line.failed} failed`);
  row.append(what, bar, made("span", "came", came.join(" · ")));
  return row;
}

// --- how large the phones are ---

const LONGEST_STATES = ["✕ rollback loop", "✕ not activated", "✕ applied again", "✓ confirmed", "◆ older binary"];
const LONGEST_STANDINGS = ["outside 100 %", "binary too old"];
const MOST_NAME_LINES = 3;
const LEAST_HIGH = 90; // pixels, with whole captions
const SMALLEST = 24;
const WIDEST_WORD = 8; // of a name, in letters' heights; longer ones are broken
const AROUND = 21; // pixels that lie around a phone and a caption that stand side by side
const pen = document.createElement("canvas").getContext("2d");
const widths = new Map();

function wordsOf(text, weight) {
  const words = text.split(/(?<=[-_.:])(?=.)|\s+/).filter(Boolean);
  return words.map((word) => ({ word, weight }));
}

function wideness({ word, weight }, small) {
  const key = `${weight} ${small} ${word}`;
  if (!widths.has(key)) {
    if (widths.size > 5000) widths.clear();
    pen.font = `${weight} ${small}px ${getComputedStyle(document.body).fontFamily}`;
    widths.set(key, Math.ceil(pen.measureText(word).width) + 1);
  }
  return widths.get(key);
}

function linesOf(words, room, small) {
  let lines = 1;
  let used = 0;
  for (const word of words) {
    const wide = wideness(word, small);
    const space = used ? small / 3 : 0;
    if (used && used + space + wide > room) {
      lines += 1;
      used = 0;
    } else {
      used += space;
    }
    lines += Math.max(0, Math.ceil(wide / room) - 1);
    used += wide;
  }
  return lines;
}

function captions(dense) {
  // What is said and what may come to be said, so that no phone changes its size for what happens to another.
  const names = [];
  const states = new Set();
  const standings = new Set(LONGEST_STANDINGS);
  let longest = "88";
  for (const one of phones.values()) {
    names.push([...wordsOf(one.name.textContent, 600), ...wordsOf(dense ? "" : one.platform.textContent, 400)]);
    states.add(`${one.sequence.textContent} ${one.sign.textContent}${one.words.textContent}`);
    standings.add(one.standing.textContent);
    if (one.sequence.textContent.length > longest.length) longest = one.sequence.textContent;
  }
  for (const state of LONGEST_STATES) states.add(`${longest} ${state}`);
  for (const about of [`fell from ${longest}`, `from ${longest}, ×88`]) standings.add(about);
  return {
    names,
    states: [...states].map((state) => wordsOf(state, state.endsWith("confirmed") ? 400 : 600)),
    standings: [...standings].map((standing) => wordsOf(standing, 400)),
  };
}

function layOut() {
  // Phones as large as they can be, all of them in sight and every word of theirs whole: each number of columns is
  // tried, with the words below the phones and beside them.
  const count = phones.size;
  if (!count) return;
  const dense = count > 12;
  const style = getComputedStyle(wall);
  const width = wall.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  const height = wall.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
  const small = (count > 24 ? 11 : dense ? 12 : 14) + (height > 800 ? 3 : !dense && height < 560 ? -1 : 0);
  const tiny = small - 1;
  const lineOf = (letters) => Math.ceil(letters * 1.3);
  const said = captions(dense);
  const widest = Math.max(
    ...said.names.flat().map((word) => Math.min(wideness(word, small), WIDEST_WORD * small)),
    ...[...said.states, ...said.standings].flat().map((word) => wideness(word, small)),
  );
  const needed = (room) => {
    const most = (texts) => Math.max(...texts.map((words) => linesOf(words, room, small)));
    return Math.min(MOST_NAME_LINES, most(said.names)) + most(said.states) + most(said.standings);
  };
  let best = { high: 0, columns: 1, room: Math.floor(width - 4), lines: 3, letters: small };
  let terse = best;
  let least = best;
  const terseWidest = Math.max(...LONGEST_STATES.map((state) => wideness({ word: state.slice(2), weight: 600 }, tiny)));
  // Of two that are as large, the one that fills its last row better, and words below.
  const larger = (one, other) => (other.high > one.high + 0.5 ? other : one);
  for (let columns = 1; columns <= count; columns++) {
    const [across, down] = [width / columns, height / Math.ceil(count / columns)];
    const room = Math.floor(across - 4);
    const below = (lines, line) => Math.min(down - lines * line - 21, ((across - 14) * PAGE.high) / PAGE.wide, PAGE.high);
    const two = { high: below(2, lineOf(tiny)), columns, room, lines: 2, letters: tiny };
    least = larger(least, two);
    if (room >= terseWidest) terse = larger(terse, two);
    if (room >= widest) {
      const lines = needed(room);
      best = larger(best, { high: below(lines, lineOf(small)), columns, room, lines, letters: small });
    }
    const high = Math.min(down - 14, ((across - AROUND - widest) * PAGE.high) / PAGE.wide, PAGE.high);
    const left = Math.floor(across - AROUND - (high * PAGE.wide) / PAGE.high);
    if (high <= 0 || left < widest) continue;
    const lines = needed(left);
    if (lines * lineOf(small) > down) continue;
    best = larger(best, { high, columns, room: left, lines, letters: small, beside: true });
  }
  // Where whole captions leave no room for phones: a name, cut if it is long, and a word or two; the frames say more.
  const whole = best;
  if (whole.high < LEAST_HIGH) best = larger(best, terse);
  if (best.high < SMALLEST) best = least;
  wall.classList.toggle("-dense", dense);
  wall.classList.toggle("-terse", best !== whole);
  wall.classList.toggle("-beside", Boolean(best.beside));
  const rim = best.high > 200 ? 5 : 3;
  const high = Math.max(SMALLEST, Math.floor(best.high));
  const wide = Math.floor((high * PAGE.wide) / PAGE.high);
  const scale = (wide - 2 * rim) / PAGE.wide;
  const page = (high - 2 * rim) / scale; // as high as the screen is, whatever its rim takes
  const { columns, room, lines, letters } = best;
  const sizes = { columns, wide, high, rim, letters, line: lineOf(letters), lines, room, scale, page };
  for (const [name, value] of Object.entries(sizes)) wall.style.setProperty(`--${name}`, value);
}

let laidOut = "";

function show(picture) {
  document.title = `${picture.app} · wall of phones`;
  say(byId("app"), picture.app);
  byId("lines").replaceChildren(...picture.lines.map(drawLine));
  const here = new Set(picture.phones.map((phone) => phone.id));
  for (const [id, one] of phones) {
    if (here.has(id)) continue;
    one.figure.remove();
    phones.delete(id);
  }
  picture.phones.forEach((phone, place) => {
    if (!phones.has(phone.id)) phones.set(phone.id, newPhone());
    const one = phones.get(phone.id);
    one.figure.style.order = place; // a frame that is moved in the document would load its page anew
    draw(one, phone);
  });
  byId("nobody").hidden = phones.size > 0;
  say(byId("more"), picture.more ? `and ${picture.more.toLocaleString("en")} more` : "");
  const words = picture.phones.map((phone) => Object.values(phone).join("\t")).join("\n");
  if (words !== laidOut) layOut();
  laidOut = words;
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
  const events = new EventSource(STILL ? "events?still" : "events");
  events.onmessage = (message) => {
    trouble("lost", "");
    show(JSON.parse(message.data));
    document.body.dataset.shown = "yes";
  };
  events.onerror = async () => {
    if (STILL && document.body.dataset.shown) {
      events.close();
      return;
    }
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
