"""Pictures to what a model is told of them, by `pictures` of tpdiff_sampling.json.

    pip install pillow
"""

import numpy as np
import torch
from PIL import Image, ImageOps

import stages


def opened(path):
    return ImageOps.exif_transpose(Image.open(path)).convert("RGB")


def levels(picture):
    """A picture's bytes as [1, 3, height, width] in [-1, 1]."""
    return (np.asarray(picture, np.float32) / 255 * 2 - 1).transpose(2, 0, 1)[None]


def squashed(picture, width, height):
    """The whole picture by torch's bicubic interpolation, which may overshoot."""
    return torch.nn.functional.interpolate(torch.from_numpy(levels(picture)), (height, width), mode="bicubic").numpy()


def middle(picture, width, height):
    """The middle of a picture, with black around it where it is smaller."""
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))


def frame(picture, width, height, geometry):
    """A frame of the video, [1, 3, 1, height, width] in [-1, 1]."""
    if geometry == "squash":
        return squashed(picture, width, height)[:, :, None]
    size = width, height
    if geometry == "crop":
        scale = max(width / picture.width, height / picture.height)
        size = round(picture.width * scale), round(picture.height * scale)
    return levels(middle(picture.resize(size, Image.Resampling.LANCZOS), width, height))[:, :, None]


def seen(picture, encoder):
    """What the image encoder is given of a picture, [1, 3, side, side]."""
    own = encoder["processor"]
    if encoder["squashed"]:
        x = squashed(picture, own["crop"]["width"], own["crop"]["height"]) * 0.5 + 0.5
    else:
        resize = own.get("resize")
        if resize:
            size = resize.get("size")
            edge, shorter = resize.get("shortest_edge"), min(picture.size)
            size = (size["width"], size["height"]) if size else [
                edge if side == shorter else int(edge * side / shorter) for side in picture.size
            ]
            picture = picture.resize(tuple(size), Image.Resampling[resize["filter"].upper()])
        if own.get("crop"):
            picture = middle(picture, own["crop"]["width"], own["crop"]["height"])
        x = np.asarray(picture, np.float32).transpose(2, 0, 1)[None] * np.float32(own["rescale"])
    scaling = own.get("normalisation")
    if not scaling:
        return x
    mean, std = (np.array(scaling[name], np.float32).reshape(1, 3, 1, 1) for name in ("mean", "std"))
    return (x - mean) / std


def given(graphs, guide, shape, first, last=None):
    """The values that pictures decide, for latents of a shape; each picture is the path of a file.

    A stage that is a smaller video of its own has its own, under the condition's name and its number.
    """
    own = guide.get("pictures")
    if not own:
        raise SystemExit("this model is told of no pictures")
    use = own["use"]
    if last is None and use["last"] == "always" or last is not None and use["last"] == "never":
        raise SystemExit(f"a last picture is for this model: {use['last']}")
    pictures = [opened(path) for path in (first, last) if path is not None]
    values = {own["condition"]: condition(graphs, guide, shape, pictures)}
    for stage in guide["stages"] if guide["pyramid"]["targets"] == "pixel" else []:
        values[own["condition"], stage["stage"]] = condition(graphs, guide, stages.shape_of(stage, shape), pictures)
    if use.get("encoder"):
        values["picture_pixels"] = np.stack([seen(p, use["encoder"]) for p in pictures], 1)
    return values


def condition(graphs, guide, shape, pictures):
    """Mask channels and latents, [1, mask + channels, frames, height, width], for a video of latents of a shape."""
    own, latents = guide["pictures"], guide["latents"]
    height, width = (side * latents["spatial_factor"] for side in shape[3:])
    frames = [frame(picture, width, height, own["use"]["geometry"]) for picture in pictures]
    masks, each = own["mask_channels"], latents["temporal_factor"]
    found = np.zeros((1, masks + shape[1], *shape[2:]), np.float32)
    found[:, :masks, 0] = 1
    alone = own["use"]["given"] == "first_frame"
    pixels = 1 if alone else 1 + (shape[2] - 1) * each
    clip = np.zeros((1, 3, pixels, height, width), np.float32)
    clip[:, :, :1] = frames[0]
    if len(frames) > 1:
        clip[:, :, -1:] = frames[1]
        found[:, masks - 1, -1] = 1
    mean, std = (np.array(latents[name], np.float32).reshape(1, -1, 1, 1, 1) for name in ("mean", "std"))
    encoder, state = own["encoder"], {}
    for f in range(1 if alone else shape[2]):
        component = encoder.get("first", encoder["next"]) if f == 0 else encoder["next"]
        chunk = clip[:, :, :1] if f == 0 else clip[:, :, 1 + (f - 1) * each : 1 + f * each]
        out = graphs.run(component, {encoder["input"]: chunk, **state})
        state = {name[: -len(".next")]: value for name, value in out.items() if name.endswith(".next")}
        found[:, masks:, f : f + 1] = (out[encoder["output"]] - mean) / std
    return found
