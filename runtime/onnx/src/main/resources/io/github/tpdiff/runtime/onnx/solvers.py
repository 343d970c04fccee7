"""The solvers that take latents through a stage: each from the stage's first step to its last.

Points are {time, gamma, sigma}: x = gamma x0 + sigma noise. In y = x / scale and tau = sigma / scale
a stage is a straight line, and its slope dy/dtau follows from what the network predicts.
"""

import math

from stages import drift as drift_of
from stages import mix


class Line:
    """x = gamma x0 + sigma noise; in y = x / scale and tau = sigma / scale the way is straight."""

    def __init__(self, guide):
        self.table = guide["diffusion"]["form"] == "variance_preserving"
        self.predicts, self.space = guide["diffusion"]["predicts"], guide["pyramid"]["space"]

    def scale(self, at):
        return at["gamma"] if self.table else 1.0

    def tau(self, at):
        return at["sigma"] / self.scale(at)

    def slope(self, x, prediction, at):
        """dy/dtau from what the network predicts."""
        if self.predicts == "v_prediction":
            return mix(at["gamma"], prediction, at["sigma"], x)
        if self.predicts == "sample":
            return mix(1 / at["sigma"], x, -at["gamma"] / at["sigma"], prediction)
        return prediction

    def clean(self, x, slope, at):
        return mix(1 / self.scale(at), x, -self.tau(at), slope)

    def advance(self, x, slope, at, to):
        return mix(self.scale(to) / self.scale(at), x, self.scale(to) * (self.tau(to) - self.tau(at)), slope)


def log_ratio(at):
    return math.log(max(at["gamma"], 1e-6) / at["sigma"])


def span(at, to):
    """sigma'/sigma, the step in log(gamma/sigma), and the weight of the clean prediction."""
    ratio = to["sigma"] / at["sigma"]
    h = log_ratio(to) - log_ratio(at) if to["sigma"] > 0 else math.inf
    return ratio, h, ratio * at["gamma"] - to["gamma"]


def euler(x, stage, line, slope_at, draw):
    for step in stage["steps"]:
        x = line.advance(x, slope_at(x, step), step["from"], step["to"])
    return x


def dpm(x, stage, line, slope_at, draw):
    """DPM-Solver++(2M)."""
    before = None
    for step in stage["steps"]:
        at, to = step["from"], step["to"]
        m = line.clean(x, slope_at(x, step), at)
        ratio, h, weight = span(at, to)
        x = mix(ratio, x, -weight, m)
        if before and math.isfinite(h):
            r = (log_ratio(before[0]) - log_ratio(at)) / h
            x = mix(1, x, -0.5 * weight / r, before[1], 0.5 * weight / r, m)
        before = at, m
    return x


def unipc(x, stage, line, slope_at, draw):
    """UniPC of order 2, bh2: DPM-Solver++(2M), whose result the next prediction corrects first."""
    steps, corrected, m_before, slope_before = stage["steps"], x, x, x
    for i, step in enumerate(steps):
        at, to = step["from"], step["to"]
        m = line.clean(x, slope_at(x, step), at)
        if i > 0:
            ratio, h, weight = span(steps[i - 1]["from"], steps[i - 1]["to"])
            x = mix(ratio, corrected, -weight, m_before)
            if i == 1:
                x = mix(1, x, 0.5 * weight, m_before, -0.5 * weight, m)
            else:
                r = (log_ratio(steps[i - 2]["from"]) - log_ratio(steps[i - 1]["from"])) / h
                phi = math.expm1(-h)
                b1 = (phi / -h - 1) / phi
                b2 = 2 * ((phi / -h - 1) / -h - 0.5) / phi
                rho = (b2 - b1) / (r - 1)
                last = weight * (b1 - rho)
                x = mix(1, x, -weight * rho, slope_before, last, m_before, -last, m)
        corrected = x
        ratio, h, weight = span(at, to)
        x = mix(ratio, x, -weight, m)
        if i > 0 and math.isfinite(h):
            r = (log_ratio(steps[i - 1]["from"]) - log_ratio(at)) / h
            slope_before = mix(1 / r, m_before, -1 / r, m)
            x = mix(1, x, -0.5 * weight, slope_before)
        m_before = m
    return x


def dpm_sde(x, stage, line, slope_at, draw):
    """SDE-DPM-Solver++(2M): Euler's step with its noise exchanged, then the slope of the clean prediction."""
    before = None
    for step in stage["steps"]:
        at, to = step["from"], step["to"]
        slope = slope_at(x, step)
        m = line.clean(x, slope, at)
        drift = drift_of(stage, line.space, m)
        kept = to["sigma"] * at["gamma"] / (to["gamma"] * at["sigma"])
        renewed, change = 1 - kept * kept, to["sigma"] * (kept - 1)
        x = mix(1, line.advance(x, slope, at, to), change, slope, -change, drift)
        if before and to["sigma"] > 0:
            r = (log_ratio(before[0]) - log_ratio(at)) / span(at, to)[1]
            half = 0.25 * line.scale(to) * renewed / r
            first, second = half * (1 + to["gamma"] / line.scale(to)), half * line.tau(to)
            x = mix(1, x, first, before[1], -first, m, second, before[2], -second, drift)
        if to["sigma"] * renewed > 0:
            x = mix(1, x, to["sigma"] * math.sqrt(renewed), draw(x.shape))
        before = at, m, drift
    return x


SOLVERS = {"euler": euler, "unipc": unipc, "dpm": dpm, "dpm-sde": dpm_sde}
