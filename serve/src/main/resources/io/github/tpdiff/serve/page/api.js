// Calls of the service. A key, where the operator set some, is kept for this tab alone.

const KEY = "tpdiff key";

/** What the service refused, in its own words. */
export class Refused extends Error {
  constructor(status, error, retryAfter) {
    super(error.message || `the service answered with status ${status}`);
    this.status = status;
    this.param = error.param || null;
    this.retryAfter = retryAfter;
  }
}

export const key = {
  get: () => sessionStorage.getItem(KEY),
  set: value => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
};

async function fetched(path, options = {}) {
  const headers = {...options.headers};
  if (key.get()) headers.Authorization = "Bearer " + key.get();
  let response;
  try {
    response = await fetch(path, {...options, headers});
  } catch (failure) {
    if (failure.name === "AbortError") throw failure;
    throw new Refused(0, {message: "The service cannot be reached."});
  }
  if (!response.ok) {
    const body = await response.json().catch(() => ({}));
    throw new Refused(response.status, body.error || {}, Number(response.headers.get("Retry-After")) || null);
  }
  return response;
}

export const get = async path => (await fetched(path)).json();

export const remove = async path => (await fetched(path, {method: "DELETE"})).json();

export const act = async path => (await fetched(path, {method: "POST"})).json();

export const html = async path => (await fetched(path)).text();

/** Sends fields: as JSON, or as a form where a file is among them. */
export async function post(path, fields) {
  if (!Object.values(fields).some(value => value instanceof File)) {
    const headers = {"Content-Type": "application/json"};
    return (await fetched(path, {method: "POST", headers, body: JSON.stringify(fields)})).json();
  }
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    form.append(name, value instanceof File || typeof value === "string" ? value : JSON.stringify(value));
  }
  return (await fetched(path, {method: "POST", body: form})).json();
}

/** An address that an element can load: the path itself, or a copy where a key is needed to read it. */
export async function address(path) {
  return key.get() ? URL.createObjectURL(await (await fetched(path)).blob()) : path;
}

/** A picture of the service as it is now; null where there is none. */
export async function picture(path) {
  const response = await fetched(path);
  return response.status === 204 ? null : URL.createObjectURL(await response.blob());
}

/** Server-sent events, until they end or are aborted: name and data, as an object. */
export async function* events(path, signal) {
  const response = await fetched(path, {signal, headers: {Accept: "text/event-stream"}});
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const {done, value} = await reader.read();
    if (done) return;
    text = (text + value).replaceAll("\r\n", "\n");
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      let name = "message";
      const data = [];
      for (const line of block.split("\n")) {
        if (line.startsWith("event:")) name = line.slice(6).trim();
        if (line.startsWith("data:")) data.push(line.slice(5).trim());
      }
      if (data.length > 0) yield {name, data: JSON.parse(data.join("\n"))};
    }
  }
}
