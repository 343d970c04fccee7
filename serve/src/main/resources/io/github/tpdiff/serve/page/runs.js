// The curves of training runs.

import {get, html} from "./api.js";
import {byId, element} from "./dom.js";

/** Shows the runs, and the curves of the one in the address. */
export async function showRuns(chosen) {
  const {data} = await get("/v1/runs");
  byId("no-runs").hidden = data.length > 0;
  const name = chosen || data[0]?.name;
  const focused = byId("runs").contains(document.activeElement) ? document.activeElement.href : null;
  byId("runs").replaceChildren(...data.map(run => {
    const link = element("a", {href: "#runs/" + encodeURIComponent(run.name)}, run.name,
      element("small", {}, "written " + new Date(run.written * 1000).toLocaleString(undefined, {dateStyle: "medium", timeStyle: "short"})));
    if (run.name === name) link.setAttribute("aria-current", "true");
    return element("li", {}, link);
  }));
  if (focused) [...byId("runs").querySelectorAll("a")].find(link => link.href === focused)?.focus();
  if (!name) {
    byId("run").replaceChildren();
    return;
  }
  // Markup of the service's own making; scripts in it would not run.
  const charts = new DOMParser().parseFromString(await html("/v1/runs/curves?name=" + encodeURIComponent(name)), "text/html");
  const row = element("div", {className: "charts"});
  row.append(...charts.body.childNodes);
  byId("run").replaceChildren(element("h2", {}, name), row);
}
