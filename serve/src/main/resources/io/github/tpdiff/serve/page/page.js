// The page of the service: binds the form, the list of videos, and the runs.

import {get, key, post, Refused} from "./api.js";
import {command, curl} from "./command.js";
import {announce, byId, copyText} from "./dom.js";
import {RequestForm} from "./form.js";
import {showRuns} from "./runs.js";
import {isActive, VideoItem} from "./video.js";

const PAGE = 24;
const OFTEN = 2_000;
const SELDOM = 10_000;

const items = new Map();
let offer = {models: [], loras: []};
let setup = {keys: false, runs: false};
let timer = null;
let unreachable = false;
let oldest = null;

const form = new RequestForm(async fields => {
  const video = await post("/v1/videos", fields);
  show(video, true);
  items.get(video.id).node.scrollIntoView({block: "nearest"});
  announce("queued: " + video.prompt.slice(0, 80));
  refreshSoon(0);
});

const around = {
  models: () => offer.models,
  reuse: fields => {
    form.fill(fields);
    announce("Settings filled in");
    byId("request").scrollIntoView({block: "start"});
  },
  removed: item => {
    const next = item.node.nextElementSibling ?? item.node.previousElementSibling;
    items.delete(item.video.id);
    item.close();
    (next?.querySelector("h2") ?? byId("videos")).focus();
    count();
    refreshSoon(0);
  },
  changed: count,
  trouble,
};

/** Puts a video into the list, or what is new of it. */
function show(video, first) {
  const known = items.get(video.id);
  if (known) {
    known.update(video);
    return;
  }
  const item = new VideoItem(video, around);
  items.set(video.id, item);
  if (first) byId("list").prepend(item.node);
  else byId("list").append(item.node);
  count();
}

function count() {
  byId("no-videos").hidden = items.size > 0;
  const having = status => [...items.values()].filter(item => item.video.status === status).length;
  const [running, waiting] = [having("in_progress"), having("queued")];
  byId("load").textContent = running + waiting === 0 ? "" : `${running} running, ${waiting} waiting`;
}

async function refresh() {
  const list = await get("/v1/videos?limit=" + PAGE);
  const newest = new Set(list.data.map(video => video.id));
  list.data.reverse().forEach(video => show(video, true));
  if (!list.has_more) {
    for (const item of [...items.values()].filter(known => !newest.has(known.video.id))) {
      items.delete(item.video.id);
      item.close();
    }
  }
  if (oldest === null) {
    oldest = list.last_id;
    byId("more").hidden = !list.has_more;
  }
  count();
}

function stop() {
  clearTimeout(timer);
  timer = null;
}

function refreshSoon(delay) {
  clearTimeout(timer);
  timer = setTimeout(async () => {
    try {
      if (!document.hidden) await refresh();
      if (unreachable) trouble(null);
      unreachable = false;
    } catch (refused) {
      unreachable = refused.status === 0;
      trouble(refused);
    }
    if (timer === null) return;
    const isBusy = [...items.values()].some(item => isActive(item.video));
    refreshSoon(isBusy ? OFTEN : SELDOM);
  }, delay);
}

/** Says what went wrong with the page as a whole; a key that is refused is asked for again. */
function trouble(refused) {
  if (refused instanceof Refused && refused.status === 401) {
    askForKey(key.get() ? "This is none of the service's keys." : "");
    return;
  }
  const text = refused ? refused.message : "";
  if (byId("trouble").textContent !== text) byId("trouble").textContent = text;
  byId("trouble").hidden = !text;
}

function askForKey(message) {
  stop();
  key.forget();
  for (const id of ["videos-view", "runs-view", "views", "forget"]) byId(id).hidden = true;
  byId("trouble").hidden = true;
  byId("ask-key").hidden = false;
  byId("key-error").textContent = message;
  byId("key").value = "";
  byId("key").focus();
}

/** Shows what the address says: the videos, or the runs. */
async function view() {
  const [, runs, name] = /^#(runs)(?:\/(.*))?$/.exec(location.hash) ?? [];
  const isRuns = runs !== undefined && setup.runs;
  byId("videos-view").hidden = isRuns;
  byId("runs-view").hidden = !isRuns;
  byId("to-videos").ariaCurrent = isRuns ? null : "page";
  byId("to-runs").ariaCurrent = isRuns ? "page" : null;
  stop();
  if (!isRuns) {
    refreshSoon(0);
    return;
  }
  try {
    await showRuns(name && decodeURIComponent(name));
    trouble(null);
  } catch (refused) {
    trouble(refused);
  }
  if (!byId("runs-view").hidden) timer = setTimeout(view, SELDOM);
}

async function begin() {
  if (setup.keys && !key.get()) {
    askForKey("");
    return;
  }
  try {
    const {data, loras} = await get("/v1/models");
    const sized = data.map(model => {
      const [width, height] = model.defaults.size.split("x").map(Number);
      return {...model, width, height};
    });
    offer = {models: sized, loras};
  } catch (refused) {
    trouble(refused);
    if (refused.status !== 401) timer = setTimeout(begin, OFTEN);
    return;
  }
  trouble(null);
  byId("ask-key").hidden = true;
  byId("views").hidden = !setup.runs;
  byId("forget").hidden = !key.get();
  form.offer(offer);
  await view();
}

byId("key-form").addEventListener("submit", event => {
  event.preventDefault();
  key.set(byId("key").value.trim());
  begin();
});
byId("forget").addEventListener("click", () => {
  for (const item of items.values()) item.close();
  items.clear();
  oldest = null;
  askForKey("");
});
byId("copy-command").addEventListener("click", () => copyText(command(form.fields(), form.model), "Command"));
byId("copy-curl").addEventListener("click", () => copyText(curl(form.fields(), key.get() !== null), "curl"));
byId("more").addEventListener("click", async () => {
  try {
    const list = await get(`/v1/videos?limit=${PAGE}&after=${encodeURIComponent(oldest)}`);
    list.data.forEach(video => show(video, false));
    oldest = list.last_id ?? oldest;
    byId("more").hidden = !list.has_more;
  } catch (refused) {
    trouble(refused);
  }
});
addEventListener("hashchange", view);
document.addEventListener("visibilitychange", () => document.hidden || timer === null || refreshSoon(0));

setup = await (await fetch("page/setup.json")).json();
await begin();
