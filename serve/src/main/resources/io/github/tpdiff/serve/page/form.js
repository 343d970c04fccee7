// The request: what is filled in is sent, the rest is the service's or the model's default.

import {byId, element} from "./dom.js";

const NUMBERS = ["width", "height", "num_frames", "fps", "num_inference_steps", "guidance_scale", "guidance_scale_2", "seed", "stages"];
const TEXTS = ["negative_prompt", "sigmas", "stage_guidance", "guidance_interval", "rates", "split", "sampler", "scheduler"];

export class RequestForm {
  #form = byId("request");
  #models = [];
  #loras = [];

  /** @param send takes the fields of a request; what it throws is shown beside its field */
  constructor(send) {
    this.#form.addEventListener("submit", event => {
      event.preventDefault();
      this.#submit(send);
    });
    byId("prompt").addEventListener("keydown", event => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.#form.requestSubmit();
    });
    byId("model").addEventListener("change", () => this.#showModel());
    byId("input_reference").addEventListener("change", () => this.#showPicture());
    byId("picture-remove").addEventListener("click", () => {
      byId("input_reference").value = "";
      this.#showPicture();
      byId("input_reference").focus();
    });
    byId("lora-add").addEventListener("click", () => this.#addLora({}).querySelector("select").focus());
  }

  /** What there is to choose from. */
  offer({models, loras}) {
    this.#models = models;
    this.#loras = loras;
    byId("model").replaceChildren(...models.map(model => element("option", {value: model.id}, model.id)));
    byId("loras-field").hidden = loras.length === 0;
    this.#showModel();
  }

  get model() {
    return this.#models.find(model => model.id === byId("model").value);
  }

  #showModel() {
    const model = this.model;
    if (!model) return;
    const {defaults} = model;
    const shown = {
      width: model.width, height: model.height, num_frames: defaults.num_frames, fps: defaults.fps,
      num_inference_steps: defaults.num_inference_steps, guidance_scale: defaults.guidance_scale, stages: model.stages,
    };
    for (const [name, value] of Object.entries(shown)) byId(name).placeholder = value ?? "";
    byId("picture-field").hidden = !model.takes_picture;
    byId("guidance_scale_2-field").hidden = model.denoisers < 2;
    byId("scheduler-field").hidden = model.schedulers.length === 0;
    this.#choose("sampler", model.samplers);
    this.#choose("scheduler", model.schedulers);
    byId("model-hint").textContent = `${model.width} × ${model.height}, ${defaults.num_frames} frames unless said otherwise.`;
  }

  /** Offers names, and keeps the one that was chosen if it is among them. */
  #choose(id, names) {
    const chosen = byId(id).value;
    byId(id).replaceChildren(element("option", {value: ""}, "the model's"),
      ...names.map(name => element("option", {value: name}, name)));
    byId(id).value = names.includes(chosen) ? chosen : "";
  }

  #showPicture() {
    const shown = byId("picture-shown");
    const [file] = byId("input_reference").files;
    if (shown.src) URL.revokeObjectURL(shown.src);
    if (file) shown.src = URL.createObjectURL(file);
    else shown.removeAttribute("src");
    shown.hidden = byId("picture-remove").hidden = !file;
  }

  #addLora({name, strength}) {
    const number = byId("loras").childElementCount + 1;
    const select = element("select", {id: "lora-" + number},
      ...this.#loras.map(lora => element("option", {value: lora.id}, lora.id)));
    if (name) select.value = name;
    const row = element("div", {className: "lora"},
      element("div", {}, element("label", {for: "lora-" + number}, "LoRA"), select),
      element("div", {}, element("label", {for: "strength-" + number}, "Strength"),
        element("input", {id: "strength-" + number, type: "number", step: "any", inputMode: "decimal", placeholder: "1", value: strength ?? ""})),
      element("button", {type: "button", className: "quiet", "aria-label": "Remove this LoRA", onclick: () => {
        row.remove();
        byId("lora-add").focus();
      }}, "Remove"));
    byId("loras").append(row);
    return row;
  }

  /** The fields that are filled in. */
  fields() {
    const fields = {model: byId("model").value, prompt: byId("prompt").value.trim()};
    const isOffered = name => byId(name).closest("[hidden]") === null;
    for (const name of TEXTS.filter(isOffered)) {
      const value = byId(name).value.trim();
      if (value) fields[name] = value;
    }
    for (const name of NUMBERS.filter(isOffered)) {
      if (byId(name).value !== "") fields[name] = Number(byId(name).value);
    }
    const [picture] = byId("input_reference").files;
    if (picture && this.model?.takes_picture) fields.input_reference = picture;
    const loras = [...byId("loras").children].map(row => {
      const strength = row.querySelector("input").value;
      return {name: row.querySelector("select").value, ...(strength === "" ? {} : {strength: Number(strength)})};
    });
    if (loras.length > 0) fields.lora = loras;
    return fields;
  }

  /** Fills in the settings of a request. */
  fill(fields) {
    if (this.#models.some(model => model.id === fields.model)) byId("model").value = fields.model;
    for (const name of ["prompt", ...TEXTS, ...NUMBERS]) byId(name).value = fields[name] ?? "";
    this.#showModel();
    for (const name of ["sampler", "scheduler"]) byId(name).value = fields[name] ?? "";
    byId("input_reference").value = "";
    this.#showPicture();
    byId("loras").replaceChildren();
    (fields.lora || []).filter(({name}) => this.#loras.some(lora => lora.id === name)).forEach(lora => this.#addLora(lora));
    this.#clearErrors();
    byId("prompt").focus();
  }

  async #submit(send) {
    const button = byId("generate");
    if (button.getAttribute("aria-disabled")) return;
    this.#clearErrors();
    if (!byId("prompt").value.trim()) {
      this.#showError("prompt", "Say what the video shows.");
      return;
    }
    const wrong = NUMBERS.find(name => byId(name).validity.badInput);
    if (wrong) {
      this.#showError(wrong, "Expected a number.");
      return;
    }
    button.setAttribute("aria-disabled", "true");
    try {
      await send(this.fields());
    } catch (refused) {
      const wait = refused.retryAfter ? ` Try again in ${refused.retryAfter} s.` : "";
      this.#showError(refused.param, refused.message + wait);
    } finally {
      button.removeAttribute("aria-disabled");
    }
  }

  #showError(name, message) {
    const field = name && byId({size: "width", seconds: "num_frames"}[name] ?? name);
    if (field?.form === this.#form) {
      field.setAttribute("aria-invalid", "true");
      field.setAttribute("aria-errormessage", "request-error");
      field.focus();
    }
    byId("request-error").textContent = message;
  }

  #clearErrors() {
    byId("request-error").textContent = "";
    this.#form.querySelectorAll("[aria-invalid]").forEach(field => field.removeAttribute("aria-invalid"));
  }
}
