// Settings as lines for a shell.

/** A word that a POSIX shell takes as it is. */
export function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : "'" + word.replaceAll("'", "'\\''") + "'";
}

const lines = parts => parts.join(" \\\n  ");

/**
 * The command that makes the same without a service.
 *
 * Models and LoRAs are called what the service calls them, as it does not tell where it keeps them: by default that is
 * what their folders and files are called.
 *
 * @param model of the service
 */
export function command(fields, model) {
  const parts = ["tpdiff " + model.command + " " + quoted(model.id)];
  const option = (name, value) => {
    if (value !== undefined && value !== "") {
      const word = quoted(String(value));
      // A value that begins as an option does would be read as one.
      parts.push(name + (word.replace("'", "").startsWith("-") ? "=" : " ") + word);
    }
  };
  for (const {name} of fields.lora || []) {
    option("--lora", name);
  }
  if (fields.lora?.length) option("--lora-strength", fields.lora.map(lora => lora.strength ?? 1).join(","));
  option("--prompt", fields.prompt);
  option("--negative-prompt", fields.negative_prompt);
  option("--picture", fields.input_reference?.name);
  if (fields.width || fields.height) {
    option("--size", `${fields.width ?? model.width}x${fields.height ?? model.height}`);
  }
  option("--frames", fields.num_frames);
  option("--fps", fields.fps);
  option("--steps", fields.num_inference_steps);
  option("--sigmas", fields.sigmas);
  option("--timesteps", fields.timesteps);
  option("--guidance", [fields.guidance_scale, fields.guidance_scale_2].filter(scale => scale != null).join(","));
  option("--stage-guidance", fields.stage_guidance);
  option("--guidance-interval", fields.guidance_interval);
  option("--sampler", fields.sampler);
  option("--scheduler", fields.scheduler);
  option("--stages", fields.stages);
  option("--rates", fields.rates);
  option("--split", fields.split);
  option("--seed", fields.seed);
  return lines(parts);
}

/** The same request by curl. */
export function curl(fields, hasKey) {
  const parts = ["curl " + quoted(new URL("/v1/videos", location.href).href)];
  if (hasKey) parts.push('-H "Authorization: Bearer $TPDIFF_KEY"');
  if (fields.input_reference) {
    for (const [name, value] of Object.entries(fields)) {
      parts.push(value instanceof File ? "-F " + quoted(`${name}=@${value.name}`)
        : "--form-string " + quoted(`${name}=${typeof value === "string" ? value : JSON.stringify(value)}`));
    }
  } else {
    parts.push("-H 'Content-Type: application/json'");
    parts.push("-d " + quoted(JSON.stringify(fields)));
  }
  return lines(parts);
}
