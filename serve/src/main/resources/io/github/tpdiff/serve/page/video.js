// One video of the list, in whatever state it is.

import {act, address, events, key, picture, remove} from "./api.js";
import {announce, confirmed, copyText, duration, element} from "./dom.js";
import {command, curl} from "./command.js";

const WORDS = {queued: "queued", in_progress: "in progress", completed: "done", failed: "failed", cancelled: "cancelled"};

const BETWEEN_PICTURES = 900;

/** What of a video are settings, as a request has them. */
const SETTINGS = ["model", "prompt", "negative_prompt", "num_frames", "fps", "num_inference_steps", "sigmas",
  "timesteps", "guidance_scale", "guidance_scale_2", "stage_guidance", "guidance_interval", "seed", "sampler", "scheduler", "stages", "rates", "split", "lora"];

export const isActive = video => video.status === "queued" || video.status === "in_progress";

export class VideoItem {
  #page;
  #video;
  #watch = null;
  #sight = null;
  #parts = {};
  #urls = [];

  /** @param page with what there is to choose from, and what happens beside: reuse, removed */
  constructor(video, page) {
    this.#page = page;
    this.#video = video;
    this.#parts = {
      shown: element("div", {className: "shown"}),
      title: element("h2", {tabIndex: -1, title: video.prompt}, video.prompt),
      status: element("span", {}),
      facts: element("p", {className: "facts"}),
      body: element("div", {}),
      buttons: element("div", {className: "buttons"}),
    };
    const {shown, title, status, facts, body, buttons} = this.#parts;
    this.node = element("li", {className: "video"}, shown,
      element("div", {className: "text"}, element("div", {className: "top"}, title, status), facts, body, buttons));
    this.#build();
  }

  get video() {
    return this.#video;
  }

  /** Takes what the service now says. */
  update(video) {
    const changed = video.status !== this.#video.status;
    this.#video = video;
    if (changed) {
      const hadFocus = this.node.contains(document.activeElement);
      this.#build();
      if (hadFocus) this.#parts.title.focus();
      const about = `${WORDS[video.status]}: ${video.prompt.slice(0, 80)}`;
      this.#page.changed();
      announce(video.status === "failed" ? `${about}. ${video.error?.message ?? ""}` : about);
    } else if (video.status === "queued") {
      this.#showPlace();
    }
  }

  /** Stops watching, and frees what is shown. */
  close() {
    this.#watch?.abort();
    this.#sight?.disconnect();
    this.#urls.forEach(url => URL.revokeObjectURL(url));
    this.node.remove();
  }

  #build() {
    const {status, facts, shown, body, buttons} = this.#parts;
    const video = this.#video;
    this.#watch?.abort();
    this.#watch = null;
    this.node.className = "video " + video.status;
    status.className = "status " + video.status;
    status.textContent = WORDS[video.status] ?? video.status;
    facts.textContent = this.#facts();
    shown.replaceChildren();
    shown.hidden = true;
    body.replaceChildren();
    if (video.status === "queued") this.#showPlace();
    if (video.status === "in_progress") this.#showProgress();
    if (video.status === "completed") this.#showVideo();
    if (video.status === "failed") {
      body.replaceChildren(element("p", {className: "error"}, video.error?.message ?? "It failed; the service's log says why."));
    }
    buttons.replaceChildren(...this.#buttons());
  }

  #facts() {
    const video = this.#video;
    const facts = [video.model, video.size.replace("x", " × "), `${video.num_frames} frames`, `${video.num_inference_steps} steps`];
    if (video.guidance_scale != null) facts.push("guidance " + video.guidance_scale);
    if (video.sampler != null) facts.push(video.sampler);
    if (video.stages != null) facts.push(video.stages === 1 ? "1 stage" : `${video.stages} stages`);
    facts.push("seed " + video.seed);
    for (const lora of video.lora) facts.push(lora.name + (lora.strength == null ? "" : " × " + lora.strength));
    if (video.status === "completed") facts.push("ready after " + duration(video.completed_at - video.created_at));
    return facts.join(" · ");
  }

  #showPlace() {
    const place = this.#video.queue_position;
    const text = place > 1 ? `Number ${place} of those that wait.` : "The next to be made.";
    if (this.#parts.body.textContent !== text) this.#parts.body.replaceChildren(element("p", {className: "now"}, text));
  }

  #showProgress() {
    const view = {now: element("p", {className: "now"}), bars: element("div", {className: "stages"}), stage: 0, drawn: -BETWEEN_PICTURES};
    this.#parts.body.replaceChildren(view.now, view.bars);
    this.#progressed(view, this.#video);
    this.#watch = new AbortController();
    this.#follow(view, this.#watch.signal);
  }

  async #follow(view, signal) {
    try {
      for await (const {data} of events(`/v1/videos/${this.#video.id}/events`, signal)) {
        if (data.status !== "in_progress") {
          if (data.object === "video") this.update(data);
          return;
        }
        this.#progressed(view, data);
        if (data.stage) this.#previewSoon(view, signal);
      }
    } catch (ended) {
      // Aborted, or the service is away: the list is asked again in any case.
    }
  }

  #progressed(view, {phase, stage, progress}) {
    if (!stage) {
      view.now.textContent = {text: "Reads the prompt.", denoising: "Begins to denoise.", decoding: "Decodes the video."}[phase] ?? "Begins.";
      if (view.bars.childElementCount === 0) view.bars.append(this.#bar("Progress"));
      if (phase === "decoding") [...view.bars.children].forEach(bar => (bar.value = bar.max));
      return;
    }
    const {number, count, step, steps} = stage;
    view.now.textContent = (count > 1 ? `Stage ${number} of ${count}, step` : "Step") + ` ${step} of ${steps}. ${progress} %.`;
    if (view.bars.childElementCount !== count) {
      view.bars.replaceChildren(...Array.from({length: count}, (_, i) => this.#bar(count > 1 ? `Stage ${i + 1}` : "Progress")));
    }
    [...view.bars.children].forEach((bar, i) => (bar.value = i + 1 < number ? 1 : i + 1 === number ? step / steps : 0));
    if (number !== view.stage && count > 1) announce(`Stage ${number} of ${count}`);
    view.stage = number;
    view.latest = stage;
  }

  /** Shows the latents of the last step there is then: not more often than one can see. */
  #previewSoon(view, signal) {
    if (view.timer) return;
    view.timer = setTimeout(async () => {
      view.timer = null;
      view.drawn = performance.now();
      if (!signal.aborted) await this.#preview(view.latest, signal).catch(() => {});
    }, Math.max(0, view.drawn + BETWEEN_PICTURES - performance.now()));
  }

  #bar(label) {
    return element("progress", {max: 1, value: 0, "aria-label": label});
  }

  /** Shows the latents as they are now. */
  async #preview({number, step}, signal) {
    const url = await picture(`/v1/videos/${this.#video.id}/preview`);
    if (url === null || signal.aborted) return;
    const {shown} = this.#parts;
    const before = shown.querySelector("img");
    const drawn = before ?? element("img", {className: "latents"});
    if (before) URL.revokeObjectURL(before.src);
    drawn.src = url;
    drawn.alt = `Latents of stage ${number} after step ${step}: first, middle and last frame`;
    if (!before) shown.replaceChildren(drawn);
    shown.hidden = false;
  }

  #showVideo() {
    const {shown} = this.#parts;
    const content = `/v1/videos/${this.#video.id}/content`;
    const player = element("video", {controls: true, loop: true, muted: true, playsInline: true, preload: "metadata", "aria-label": this.#video.prompt});
    shown.replaceChildren(player);
    shown.hidden = false;
    player.style.aspectRatio = this.#video.size.replace("x", " / ");
    // Videos are fetched as they come into sight: where there are keys, as a whole.
    this.#sight = new IntersectionObserver(async sightings => {
      if (!sightings.some(sighting => sighting.isIntersecting)) return;
      this.#sight.disconnect();
      try {
        player.poster = await this.#kept(content + "?variant=thumbnail");
        player.src = await this.#kept(content);
      } catch (refused) {
        shown.replaceChildren(element("p", {className: "error"}, refused.message));
      }
    }, {rootMargin: "300px"});
    this.#sight.observe(player);
  }

  async #kept(path) {
    const url = await address(path);
    if (url.startsWith("blob:")) this.#urls.push(url);
    return url;
  }

  #buttons() {
    const video = this.#video;
    const button = (text, act) => element("button", {type: "button", onclick: act}, text);
    const buttons = [];
    if (isActive(video)) buttons.push(button("Cancel", () => this.#cancel()));
    if (video.status === "completed") {
      buttons.push(button("Download", () => this.#download()));
    }
    buttons.push(button("Reuse settings", () => this.#page.reuse(this.#request())));
    const model = this.#page.models().find(known => known.id === video.model);
    if (model) buttons.push(this.#copying("Copy command", () => command(this.#request(), model)));
    buttons.push(this.#copying("Copy curl", () => curl(this.#request(), key.get() !== null)));
    if (!isActive(video)) {
      buttons.push(button("Delete", async () => {
        if (video.status !== "completed" || await confirmed("Delete this video? It cannot be brought back.")) this.#remove();
      }));
    }
    return buttons;
  }

  #copying(text, make) {
    const button = element("button", {type: "button"}, text);
    button.addEventListener("click", async () => {
      if (await copyText(make(), text.replace("Copy ", ""))) {
        button.textContent = "Copied";
        setTimeout(() => (button.textContent = text), 1500);
      }
    });
    return button;
  }

  #request() {
    const [width, height] = this.#video.size.split("x").map(Number);
    const fields = {};
    for (const name of SETTINGS) {
      const value = this.#video[name];
      if (value != null && value !== "" && value.length !== 0) fields[name] = value;
    }
    if (fields.lora) {
      fields.lora = fields.lora.map(({name, strength}) => (strength == null ? {name} : {name, strength}));
    }
    return {...fields, width, height};
  }

  async #download() {
    try {
      const url = await address(`/v1/videos/${this.#video.id}/content`);
      element("a", {href: url, download: this.#video.id + ".mp4"}).click();
      if (url.startsWith("blob:")) setTimeout(() => URL.revokeObjectURL(url), 60_000);
    } catch (refused) {
      this.#page.trouble(refused);
    }
  }

  async #cancel() {
    try {
      this.update(await act(`/v1/videos/${this.#video.id}/cancel`));
    } catch (refused) {
      this.#page.trouble(refused);
    }
  }

  async #remove() {
    try {
      await remove("/v1/videos/" + this.#video.id);
      announce("Deleted");
      this.#page.removed(this);
    } catch (refused) {
      this.#page.trouble(refused);
    }
  }
}
