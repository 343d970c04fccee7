"""The stages of tpdiff_sampling.json for other numbers of steps, frames and latents, by the same rules."""

import json
import math

import numpy as np

from stages import AXES, SPACE, downsampling, upsampling


def stages(folder, guide, steps, frames, sides):
    """Stages for so many steps in all and pixel frames, None for the default, and latent rows and columns."""
    config = json.loads((folder / "scheduler" / "tpdiff_stages.json").read_text("utf-8"))
    schedule, space = Schedule(guide["diffusion"]["schedule"]), config["space"]
    rates = [dict(zip(AXES, rate if isinstance(rate, list) else [rate, 1, 1])) for rate in config["rates"]]
    strides = {axis: math.prod(rate[axis] for rate in rates) for axis in AXES}
    count = latent_frames(guide, strides["time"], frames)
    given = steps is None and guide["diffusion"]["given_steps"]
    split = split_steps(config["step_split"] or [1] * (len(rates) + 1), steps or guide["defaults"]["steps"])
    starts = [1.0] + config["boundaries"]
    rules = config["positions"] if isinstance(config["positions"], list) else [config["positions"]] * len(AXES)
    alone = config["resampling"]["first_frame"] == "shared"
    over_space = strides["height"] * strides["width"] > 1
    projects = not over_space or space["downsampling"] == "stride" or space["upsampling"] == "nearest"
    known = not rates or config["targets"] == "latent" and projects
    found, entry = [], None
    own = alone + (count - alone) // strides["time"] if strides["time"] > 1 else count
    repeated = np.eye(own)
    for i, start in enumerate(starts):
        end, up = 0.0, None
        if i < len(rates):
            up = upsampling(own, rates[i]["time"], config["resampling"]) if rates[i]["time"] > 1 else np.eye(own)
            ups = [upsampling(side // strides[a], rates[i][a], space) for side, a in zip(sides, SPACE)]
            if config["ends"] == "linked":
                most = math.prod(np.linalg.eigvalsh(u @ u.T)[-1] for u in [up, *ups])
                gamma, sigma = schedule.shares(starts[i + 1])
                end = schedule.floor(schedule.time_at(sigma / (math.sqrt(most) * gamma)))
        (g, s), (g_end, s_end) = schedule.shares(start), schedule.shares(end)
        scale, scale_end = (g, g_end) if schedule.table else (1, 1)
        (g, s), (g_end, s_end) = (g / scale, s / scale), (g_end / scale_end, s_end / scale_end)
        same = np.eye(own)
        drift = (g * repeated - g_end * same) @ np.linalg.inv(g_end * s * same - g * s_end * repeated)
        apart = {axis: strides[axis] if rule == "scaled" else 1 for axis, rule in zip(AXES, rules)}
        stage = {
            "stage": len(starts) - i,
            "frames": own,
            "stride": strides["time"],
            "strides": dict(strides),
            "positions": [n * apart["time"] for n in range(own)],
            "position_strides": apart,
            "start": start,
            "end": end,
            "prediction_scale": s - s_end if config["target_scale"] == "stage" else 1.0,
            "dropped_drift": -1 / s,
            "steps": schedule.until(guide["stages"][i]["steps"], end) if given else schedule.steps(split[i], start, end),
        }
        found.append({**stage, **({"drift": drift.tolist()} if known else {}), **({"entry": entry} if entry else {})})
        if up is not None:
            entry = linkage(schedule, up, end, starts[i + 1], rates[i])
            own, time = len(up), rates[i]["time"]
            repeated = up @ downsampling(own, time, config["resampling"]) if time > 1 else up
            strides = {axis: strides[axis] // rates[i][axis] for axis in AXES}
    return found


def latent_frames(guide, stride, frames):
    latents, pixels = guide["latents"], frames or guide["defaults"]["frames"]
    alone = 1 if latents["shared_first_frame"] else 0
    count, rest = divmod(pixels - alone, latents["temporal_factor"])
    if rest or count % stride or count < (stride if stride > 1 else 1 - alone):
        unit = latents["temporal_factor"] * stride
        raise SystemExit(f"--frames: expected {alone} + a multiple of {unit}, found {pixels}")
    return alone + count


def split_steps(shares, total):
    """By shares, at least one each; what is left over to the largest remainders, the finer stage first."""
    if total < len(shares):
        raise SystemExit(f"--steps: expected at least {len(shares)}, one a stage, found {total}")
    unit = total / sum(shares)
    steps = [max(1, total * share // sum(shares)) for share in shares]
    while sum(steps) != total:
        sign = 1 if sum(steps) < total else -1
        movable = [i for i in reversed(range(len(steps))) if sign > 0 or steps[i] > 1]
        steps[max(movable, key=lambda i: round(sign * (shares[i] * unit - steps[i]), 9))] += sign
    return steps


def linkage(schedule, up, end, start, rates):
    """x = scale U x_end + noise of covariance sigma^2 I - (scale * sigma_end)^2 U U^T; up is U over the frames."""
    (gamma, sigma), (gamma_end, sigma_end) = schedule.shares(start), schedule.shares(end)
    scale = gamma / gamma_end
    entry = {
        "scale": scale,
        "rates": rates,
        "upsampling": up.tolist(),
        "variance": sigma**2,
        "kept": (scale * sigma_end) ** 2,
    }
    if rates["height"] * rates["width"] > 1:
        return entry
    covariance = sigma**2 * np.eye(len(up)) - (scale * sigma_end) ** 2 * (up @ up.T)
    values, vectors = np.linalg.eigh(covariance)
    factor = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return {**entry, "noise_covariance": covariance.tolist(), "noise_factor": factor.tolist()}


class Schedule:
    """Times from 1 (noise) to 0 (data), what the network is told of them, and the grids of steps."""

    def __init__(self, guide):
        self.guide, self.rows, self.spacing = guide, guide["train_timesteps"], guide["spacing"]
        self.table = bool(guide["alphas_cumprod"])
        self.logs = np.concatenate([[0.0], np.log(guide["alphas_cumprod"])]) if self.table else None

    def shares(self, time):
        """gamma and sigma."""
        if not self.table:
            return 1 - time, time
        log = np.interp(time * self.rows, np.arange(self.rows + 1), self.logs)
        return math.exp(0.5 * log), math.sqrt(-math.expm1(log))

    def time_at(self, ratio):
        """The time at which sigma / gamma is the ratio."""
        if not self.table:
            return ratio / (1 + ratio)
        log = -math.log1p(ratio * ratio)
        return float(np.interp(-log, -self.logs, np.arange(self.rows + 1))) / self.rows

    def floor(self, time):
        return math.floor(time * self.rows + 1e-9) / self.rows if self.table else time

    def steps(self, count, start, end):
        grid = self.of_table(count, start, end) if self.table else self.of_flow(count, start, end)
        return [{"timestep": t, "from": self.point(at), "to": self.point(to)} for t, at, to in grid]

    def until(self, steps, end):
        """Steps that were said one by one, the last to the end of a stage."""
        return [*steps[:-1], {**steps[-1], "to": self.point(end)}]

    def point(self, time):
        gamma, sigma = self.shares(time)
        return {"time": time, "gamma": gamma, "sigma": sigma}

    def of_flow(self, count, start, end):
        """Equal parts of the fraction u of timesteps; times are shift u / (1 + (shift - 1) u)."""
        shift, euler = self.guide["shift"], self.spacing == "flow_match_euler"
        time = lambda u: shift * u / (1 + (shift - 1) * u)
        part = lambda t: t / (shift - (shift - 1) * t)
        top = float(np.float32(0.999)) if self.spacing == "uni_pc_original" else 1.0
        high, low, parts = min(part(start), top), part(end), count
        if end == 0:
            low = {"uni_pc": 1 / self.rows, "uni_pc_original": 0.0, "flow_match_euler": time(1 / self.rows)}[self.spacing]
            parts = max(1, count - 1) if euler else count
        times = list(time(np.linspace(high, low, parts + 1)))[:count] + [end]
        if start < 1 and part(start) <= top:
            times[0] = start
        if self.spacing == "uni_pc" and abs(times[0] - 1) < 1e-6:
            times[0] -= 1e-6
        told = [t * self.rows if euler else float(math.floor(t * self.rows)) for t in times]
        return [(told[i], float(times[i]), float(times[i + 1])) for i in range(count)]

    def of_table(self, count, start, end):
        """On rows of the table: timestep n is the time (n + 1) / rows."""
        rows, name, offset = self.rows, self.spacing, self.guide["steps_offset"]
        if start < 1 or end > 0:
            told = [math.floor((start + i * (end - start) / count) * rows - 1 + 0.5) for i in range(count + 1)]
            ends = told[1:]
        else:
            i = np.arange(count)
            last = (rows - 1) / max(1, count - 1 if name == "linspace" else count)
            told = {
                "leading": (count - 1 - i) * (rows // count) + offset,
                "chained_leading": (count - i) * (rows // (count + 1)) + offset,
                "trailing": np.rint(rows - i * (rows / count)) - 1,
                "chained_trailing": np.rint(rows - i * (rows / count)) - 1,
                "linspace": np.rint((count - 1 - i) * last) if count > 1 else np.zeros(1),
                "chained_linspace": np.rint((count - i) * last),
            }[name]
            ends = [*told[1:], -1] if name.startswith("chained") else told - rows // count
        at = lambda n: (n + 1) / rows if n >= 0 else self.guide["final_time"]
        return [(float(told[k]), float(at(told[k])), float(at(ends[k]))) for k in range(count)]
