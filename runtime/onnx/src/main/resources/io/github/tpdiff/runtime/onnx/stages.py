"""From stage to stage: frames, rows and columns dropped and repeated, and the noise that is added.

Everything acts along one axis after the other; no matrix is as large as a whole latent.
"""

import numpy as np

AXES = {"time": "ij,bcjhw->bcihw", "height": "ij,bcfjw->bcfiw", "width": "ij,bcfhj->bcfhi"}
SPACE = ("height", "width")


def mix(*terms):
    """The sum of factor, array, factor, array, ... in float64, rounded once."""
    return sum(f * a.astype(np.float64) for f, a in zip(terms[::2], terms[1::2])).astype(np.float32)


def over(axis, matrix, x):
    """Place i along an axis becomes the sum over j of matrix[i, j] times place j."""
    return np.einsum(AXES[axis], np.array(matrix), x.astype(np.float64)).astype(np.float32)


def places(x, axis):
    return x.shape[2 + list(AXES).index(axis)]


# ---- places dropped and repeated


def downsampling(fine, rate, resampling):
    """D as a matrix; the first frame may stay alone, rows and columns have nothing like it."""
    alone = int(resampling.get("first_frame") == "shared")
    down = np.zeros((alone + (fine - alone) // rate, fine))
    for i in range(len(down)):
        if resampling["downsampling"] == "stride" or i < alone:
            down[i, i * rate] = 1
        else:
            down[i, alone + (i - alone) * rate :][:rate] = 1 / rate
    return down


def upsampling(coarse, rate, resampling):
    """U as a matrix."""
    alone = int(resampling.get("first_frame") == "shared")
    fine = np.arange(alone + (coarse - alone) * rate)
    if resampling["upsampling"] == "nearest":
        return np.eye(coarse)[np.where(fine < alone, 0, (fine - alone) // rate + alone)]
    indices = np.arange(coarse, dtype=float)  # where each coarse place lies among the fine ones
    stride = (resampling["downsampling"] == "stride") | (indices < alone)
    at = np.where(stride, indices * rate, alone + (indices - alone) * rate + 0.5 * (rate - 1))
    return np.stack([np.interp(fine, at, row) for row in np.eye(coarse)], axis=1)


def sides(guide, height, width):
    """Latent rows and columns of a video's height and width in pixels."""
    latents, strides = guide["latents"], guide["stages"][0]["strides"]
    for name, side in (("height", height), ("width", width)):
        multiple = latents["size_multiple"] * strides[name]
        if side < multiple or side % multiple:
            raise SystemExit(f"--size: expected a {name} that is a multiple of {multiple}, found {side}")
    return [height // latents["spatial_factor"], width // latents["spatial_factor"]]


def shape_of(stage, shape):
    """The shape of a stage's latents in those of a video, [1, channels, frames, height, width]."""
    strides = stage["strides"]
    return [*shape[:2], stage["frames"], shape[3] // strides["height"], shape[4] // strides["width"]]


def positions_of(stage, own):
    """What the network is told of a stage's frames, rows and columns."""
    strides = stage["position_strides"]
    rows, columns = (np.arange(n, dtype=np.float32) * strides[axis] for n, axis in zip(own[3:], SPACE))
    return {
        "temporal_positions": np.array(stage["positions"], np.float32),
        "row_positions": rows,
        "column_positions": columns,
    }


def of_stage(value, axes, stage, space):
    """Of a condition of the whole video what a stage is told; axes are the names of its own."""
    value = np.take(value, np.arange(stage["frames"]) * stage["stride"], axes.index("frames"))
    for axis in SPACE:
        stride, at = stage["strides"][axis], axes.index(axis) if axis in axes else 0
        if stride > 1 and at:
            blocks = value.reshape(*value.shape[:at], -1, stride, *value.shape[at + 1 :])
            mean = space["downsampling"] == "mean" and value.dtype == np.float32
            value = blocks.mean(at + 1, np.float64).astype(np.float32) if mean else blocks.take(0, at + 1)
    return value


# ---- the way into a stage, and the data's own motion inside it


def enter(entry, space, x, white):
    """The start of a stage from the end of the one before: a U x + n, n of covariance variance I - kept U U^T."""
    up = {"time": np.array(entry["upsampling"])}
    up.update({a: upsampling(places(x, a), entry["rates"][a], space) for a in SPACE if entry["rates"][a] > 1})
    for axis, matrix in up.items():
        x = over(axis, matrix, x)
    return mix(entry["scale"], x, 1, noise(entry, up, white))


def noise(entry, up, white):
    """n from white noise: in the eigenvectors of all U U^T every place has a variance of its own."""
    if "noise_factor" in entry:  # there is nothing but frames: the matrix itself
        return over("time", entry["noise_factor"], white)
    bases = {axis: np.linalg.eigh(matrix @ matrix.T) for axis, matrix in up.items()}
    n, product = white.astype(np.float64), np.ones((1, 1, 1))
    for axis, (values, vectors) in bases.items():
        n = np.einsum(AXES[axis], vectors.T, n)
        product = product * values.reshape([-1 if other == axis else 1 for other in AXES])
    n = n * np.sqrt(np.maximum(entry["variance"] - entry["kept"] * product, 0))
    for axis, (_, vectors) in bases.items():
        n = np.einsum(AXES[axis], vectors, n)
    return n.astype(np.float32)


def drift(stage, space, clean):
    """What of dy/dtau is not noise, from the point where the line meets tau = 0."""
    if "drift" not in stage:
        raise SystemExit("these stages do not say the coarser latents, which a solver must know that renews noise")
    kept, rates = clean, stage.get("entry", {}).get("rates", {})
    for axis in SPACE:
        if rates.get(axis, 1) > 1:
            down = downsampling(places(clean, axis), rates[axis], space)
            kept = over(axis, upsampling(len(down), rates[axis], space) @ down, kept)
    moved = over("time", stage["drift"], kept)
    return moved if kept is clean else mix(1, moved, stage["dropped_drift"], clean, -stage["dropped_drift"], kept)
