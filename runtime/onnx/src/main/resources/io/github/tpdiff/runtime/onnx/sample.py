"""Prompt to video with the files of this folder alone: what `tpdiff run` does, step by step.

    pip install numpy onnxruntime tokenizers torch    (and pillow for pictures)
    python sample.py --prompt "a red ball rolls to the right" --out out

Writes latents.npy, frames.npy and, where imageio[ffmpeg] is installed, video.mp4. PyTorch is asked
for its random numbers, and to resize pictures where a model wants that. Every number comes from
tpdiff_sampling.json; README.md explains them.
"""

import argparse
import html
import json
import re
from pathlib import Path

import numpy as np
import onnxruntime
import tokenizers
import torch

import stages
from solvers import SOLVERS, Line
from stages import mix


class Graphs:
    """The ONNX graphs, each opened when it first runs; values go in and come out by name."""

    def __init__(self, folder, guides):
        self.folder, self.guides, self.open = folder, {g["component"]: g for g in guides}, {}

    def run(self, component, values):
        guide = self.guides[component]
        if component not in self.open:
            path = str(self.folder / guide["file"])
            self.open[component] = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        inputs = {name: values[value["value"]] for name, value in guide["inputs"].items()}
        names = list(guide["outputs"])
        return {guide["outputs"][n]["value"]: v for n, v in zip(names, self.open[component].run(names, inputs))}

    def close(self):
        self.open.clear()


# ---- prompt to conditions


def clean(prompt):
    try:
        import ftfy  # optional: prompts without curly quotes or damaged characters do not need it

        prompt = ftfy.fix_text(prompt)
    except ImportError:
        pass
    return re.sub(r"\s+", " ", html.unescape(html.unescape(prompt)).strip())


def pad_token(folder):
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        if (folder / name).is_file():
            token = json.loads((folder / name).read_text("utf-8")).get("pad_token")
            if token:
                return token if isinstance(token, str) else token["content"]
    raise SystemExit(f"{folder}: expected pad_token in tokenizer_config.json, found none")


def tokens(folder, text, prompt):
    """Token ids and mask, [1, max_length]; a long prompt loses its end, but not the closing token."""
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / text["tokenizer"] / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    encoding = tokenizer.encode(clean(prompt) if text["cleaning"] == "whitespace" else prompt)
    ids, most = list(encoding.ids), text["max_length"]
    if len(ids) > most:
        closing = next((i for i, added in enumerate(reversed(encoding.special_tokens_mask)) if not added), 0)
        ids = ids[: most - closing] + ids[len(ids) - closing :]
    row = np.full((1, most), tokenizer.token_to_id(pad_token(folder / text["tokenizer"])), np.int64)
    row[0, : len(ids)] = ids
    return row, (np.arange(most)[None] < len(ids)).astype(np.int64)


def encode(graphs, guide, given, prompt):
    """All values that follow from a prompt, and from what is given of pictures."""
    values, short = dict(given), {}
    for text in guide["texts"]:
        ids, mask = tokens(graphs.folder, text, prompt)
        for name, row in (("input_ids", ids), ("attention_mask", mask)):
            values[f"{text['tokenizer']}.{name}"] = row
            if text["padding"] == "zero_rows":
                short[f"{text['tokenizer']}.{name}"] = int(mask.sum())
    for component in guide["encoders"]:
        reads = [value["value"] for value in graphs.guides[component]["inputs"].values()]
        if any(name not in values for name in reads):
            continue  # it is of a picture, and there is none
        length = next((short[name] for name in reads if name in short), None)
        own = {name: values[name][:, : short[name]] if name in short else values[name] for name in reads}
        for name, value in graphs.run(component, own).items():
            if length is not None and value.ndim > 2:  # rows of zeros follow those of the real tokens
                rows = next(values[n].shape[1] for n in reads if n in short) - length
                value = np.pad(value, [(0, 0), (0, rows)] + [(0, 0)] * (value.ndim - 2))
            values[name] = value
    return values


def conditions(guide, values, stage, shape):
    """The conditions at a stage: some have its frames, rows and columns, and optional ones may be zeros."""
    sizes = {"batch": 1, "frames": shape[2], "height": shape[3], "width": shape[4], **guide["sizes"]}
    found = {}
    for condition in guide["conditions"]:
        name, follows = condition["name"], condition["follows"] == "frames"
        value = values.get(name)
        if value is None and condition["optional"]:
            extents = [sizes[e] if e in sizes else int(e) for e in condition["shape"]]
            value = np.zeros(extents, np.float32 if condition["type"] == "f32" else np.int64)
        elif value is None:
            raise SystemExit(f"this model needs the condition {name}: use --picture")
        elif follows and (name, stage["stage"]) in values:  # the stage is a smaller video of its own
            value = values[name, stage["stage"]]
        elif follows:
            value = stages.of_stage(value, condition["shape"], stage, guide["pyramid"]["space"])
        found[name] = value
    return found


# ---- noise to latents


def scale_at(guide, stage, step, scale):
    """The guidance scale of a step: its stage's own, if there are such, and 1 outside of the interval."""
    own, from_last = guide["diffusion"], -stage["stage"]
    if own["stage_guidance"]:
        scale = own["stage_guidance"][from_last]
    if not own["guidance_interval"]:
        return scale
    pairs = own["guidance_interval"] * (len(guide["stages"]) if len(own["guidance_interval"]) == 1 else 1)
    if own["form"] == "flow_matching":  # of the timestep that the network is told
        tau = step["timestep"] / own["schedule"]["train_timesteps"]
    else:
        tau = step["from"]["sigma"] / step["from"]["gamma"]
    pair = pairs[from_last]
    return scale if pair and pair[1] < tau <= pair[0] else 1


def sample(graphs, guide, prompts, shape, draw):
    """Latents of the whole video, normalised, [1, channels, frames, height, width]."""
    line, solve = Line(guide), SOLVERS[guide["diffusion"]["solver"]]
    x = None
    for stage in guide["stages"]:
        own = stages.shape_of(stage, shape)
        noise = draw(own)
        x = stages.enter(stage["entry"], guide["pyramid"]["space"], x, noise) if "entry" in stage else noise
        told = {}  # what each denoiser is told, by its name: of the prompt, and of the negative one

        def slope_at(x, step):
            expert = next(d for d in guide["denoisers"] if step["timestep"] >= d["least_timestep"])
            scale = scale_at(guide, stage, step, expert["guidance_scale"])
            name, count = expert["component"], 1 if scale == 1 else 2
            told.setdefault(name, [])
            for prompt in prompts[len(told[name]) : count]:
                told[name].append(conditions(guide, prompt, stage, own))
                for values in told[name][-1:] if "conditioning" in expert else []:
                    values.update(graphs.run(expert["conditioning"], values))
            now = {
                "hidden_states": x,
                "timestep": np.array([step["timestep"]], np.float32),
                **stages.positions_of(stage, own),
            }
            p = [graphs.run(name, {**values, **now})["out_hidden_states"] for values in told[name][:count]]
            p = p[0] if scale == 1 else mix(1 - scale, p[1], scale, p[0])
            return line.slope(x, mix(1 / stage["prediction_scale"], p), step["from"])

        x = solve(x, stage, line, slope_at, draw)
        print(f"stage {stage['stage']}: latents {own[2:]}, {len(stage['steps'])} steps")
    return put_back(guide, prompts[0], x)


def put_back(guide, values, x):
    """Latents with the frames that pictures give, of models that find them in their place."""
    own = guide.get("pictures")
    if not own or own["use"]["given"] != "first_frame" or own["condition"] not in values:
        return x
    told = values[own["condition"]]
    return np.where(told[:, :1] == 1, told[:, 1:], x)


# ---- latents to frames


def decode(graphs, guide, latents):
    """Frames in [-1, 1], [frames, height, width, 3]: one latent frame after the other, with a state."""
    own, decoder, state, frames = guide["latents"], guide["decoder"], {}, []
    for f in range(latents.shape[2]):
        first = f == 0
        mean = np.array(first and own["first_mean"] or own["mean"]).reshape(1, -1, 1, 1, 1)
        std = np.array(first and own["first_std"] or own["std"]).reshape(1, -1, 1, 1, 1)
        frame = (latents[:, :, f : f + 1] * std + mean).astype(np.float32)
        component = decoder.get("first", decoder["next"]) if first else decoder["next"]
        out = graphs.run(component, {decoder["input"]: frame, **state})
        state = {name[: -len(".next")]: value for name, value in out.items() if name.endswith(".next")}
        frames.append(out[decoder["output"]].clip(-1, 1)[0].transpose(1, 2, 3, 0))
    return np.concatenate(frames)


def main():
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description="Prompt to video, as tpdiff run does it.")
    parser.add_argument("folder", nargs="?", type=Path, default=here)
    parser.add_argument("--prompt", required=True)
    parser.add_argument("--negative", default="")
    parser.add_argument("--picture", type=Path, help="that the video begins with")
    parser.add_argument("--last-picture", type=Path, help="that it ends with")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--frames", type=int, help="pixel frames")
    parser.add_argument("--size", help="WIDTHxHEIGHT in pixels")
    parser.add_argument("--guidance", help="a scale, or one for each denoiser: SCALE,SCALE")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("."))
    args = parser.parse_args()

    guide = json.loads((args.folder / "tpdiff_sampling.json").read_text("utf-8"))
    shape = list(guide["defaults"]["latent_shape"])
    if args.size:
        width, height = (int(side) for side in args.size.split("x"))
        shape[3:] = stages.sides(guide, height, width)
    if args.steps or args.frames or args.size and guide["pyramid"]["space"]["upsampling"] == "linear":
        import plan  # the stages for other numbers of steps and latents

        guide["stages"] = plan.stages(args.folder, guide, args.steps, args.frames, shape[3:])
        shape[2] = guide["stages"][-1]["frames"]
    if args.guidance is not None:
        scales = [float(scale) for scale in args.guidance.split(",")]
        scales = scales * len(guide["denoisers"]) if len(scales) == 1 else scales
        guide["denoisers"] = [{**d, "guidance_scale": s} for d, s in zip(guide["denoisers"], scales, strict=True)]
        guide["diffusion"]["stage_guidance"] = []

    generator = torch.Generator().manual_seed(args.seed)
    graphs = Graphs(args.folder, guide["graphs"])
    told = {"positions": np.arange(shape[2], dtype=np.float32)}
    if args.picture:
        from pictures import given

        told.update(given(graphs, guide, shape, args.picture, args.last_picture))
    prompts = [encode(graphs, guide, told, prompt) for prompt in (args.prompt, args.negative)]
    graphs.close()  # the encoders are not needed again
    latents = sample(graphs, guide, prompts, shape, lambda s: torch.randn(*s, generator=generator).numpy())
    args.out.mkdir(parents=True, exist_ok=True)
    np.save(args.out / "latents.npy", latents)
    graphs.close()
    frames = np.rint((decode(graphs, guide, latents) + 1) * 127.5).astype(np.uint8)
    np.save(args.out / "frames.npy", frames)
    try:
        import imageio

        imageio.mimwrite(args.out / "video.mp4", frames, fps=guide["defaults"]["fps"])
    except (ImportError, ValueError):
        print("imageio[ffmpeg] is not installed: no video.mp4")
    print(f"{args.out}: latents {list(latents.shape)}, {len(frames)} frames")


if __name__ == "__main__":
    main()
