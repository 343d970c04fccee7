"""Drives a running `tpdiff serve` with OpenAI's own Python client: create, poll, download, list, delete, errors.

usage: openai_client.py http://127.0.0.1:8420 MODEL

Needs nothing but the `openai` package; a fault is an assertion with what was found.
"""

import base64
import struct
import sys
import warnings
import zlib

import openai


def png(width, height):
    """A grey picture."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows = (b"\0" + b"\x80" * 3 * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def refused(kind, call, param=None, words=""):
    """Asserts that a call is refused, and how."""
    try:
        found = call()
    except kind as refusal:
        assert words in refusal.body["message"] and refusal.body["code"], refusal.body
        assert param is None or refusal.param == param, (refusal.param, refusal.body)
        return
    raise AssertionError(f"expected {kind.__name__}, found {found}")


def main(address, model):
    # The package says that OpenAI's own service has closed.
    warnings.simplefilter("ignore", DeprecationWarning)
    client = openai.OpenAI(base_url=address + "/v1", api_key="not-needed", max_retries=0, timeout=120)
    assert model in [m.id for m in client.models.list()]

    video = client.videos.create(model=model, prompt="a red ball rolls to the right", extra_body={"num_inference_steps": 3})
    assert video.id.startswith("video_") and video.object == "video" and video.model == model, video
    assert video.status in ("queued", "in_progress") and 0 <= video.progress <= 100, video
    done = client.videos.poll(video.id, poll_interval_ms=100)
    assert done.status == "completed" and done.progress == 100 and done.error is None, done
    assert done.completed_at >= done.created_at and done.expires_at > done.completed_at, done
    mp4 = client.videos.download_content(video.id).read()
    assert mp4[4:8] == b"ftyp", mp4[:16]
    for variant in ("thumbnail", "spritesheet"):
        picture = client.videos.download_content(video.id, variant=variant).read()
        assert picture.startswith(b"\x89PNG"), picture[:8]

    shown = client.videos.create_and_poll(
        model=model, prompt="again", size=done.size, seconds="1", extra_body={"num_inference_steps": 2, "seed": 7}, poll_interval_ms=100
    )
    assert shown.status == "completed" and shown.size == done.size, shown
    assert [v.id for v in client.videos.list(limit=2)][:2] == [shown.id, video.id]
    assert [v.id for v in client.videos.list(limit=1, order="asc", after=video.id)][0] == shown.id

    refused(openai.BadRequestError, lambda: client.videos.create(model=model, prompt="x", size="13x7"))
    refused(openai.BadRequestError, lambda: client.videos.create(model=model, prompt="x", extra_body={"num_framse": 5}), "num_framse")
    refused(openai.NotFoundError, lambda: client.videos.create(model="no-such-model", prompt="x"), "model")
    refused(openai.NotFoundError, lambda: client.videos.retrieve("video_" + "0" * 32))
    # The tiny model takes no picture, and says so; a picture comes as a file or as a data URL.
    picture = png(32, 32)
    file = ("ball.png", picture, "image/png")
    refused(openai.BadRequestError, lambda: client.videos.create(model=model, prompt="x", input_reference=file), "input_reference", "does not take")
    url = "data:image/png;base64," + base64.b64encode(picture).decode()
    nested = {"input_reference": {"image_url": url}}
    refused(openai.BadRequestError, lambda: client.videos.create(model=model, prompt="x", extra_body=nested), "input_reference", "does not take")
    nested = {"input_reference": {"image_url": "http://127.0.0.1:1/ball.png"}}
    refused(openai.BadRequestError, lambda: client.videos.create(model=model, prompt="x", extra_body=nested), "input_reference", "fetches nothing")

    gone = client.videos.delete(video.id)
    assert gone.deleted and gone.id == video.id and gone.object == "video.deleted", gone
    refused(openai.NotFoundError, lambda: client.videos.retrieve(video.id))
    assert client.videos.delete(shown.id).deleted
    assert list(client.videos.list()) == []
    print(f"openai {openai.__version__}: created, polled, downloaded, listed, deleted, refused as it should be")


if __name__ == "__main__":
    main(*sys.argv[1:])
