"""A folder as people have them: every kind of file that is no video, beside videos of every kind, is trained on."""

import os
import shutil
from fractions import Fraction

import av
import numpy as np
import pytest


def encode(path, codec, pixel_format, *, size=(48, 64), frames=12, options=None):
    height, width = size
    row, column = np.mgrid[:height, :width]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=12, options=options or {})
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        for number in range(frames):
            pixels = np.stack([row * 3 + number * 5, column * 4, np.full_like(row, number * 9)], -1).astype(np.uint8)
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=pixel_format)
            picture.pts, picture.time_base = number, Fraction(1, 12)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


@pytest.fixture
def strange(tmp_path):
    root = tmp_path / "strange"
    root.mkdir()
    encode(root / "odd.mp4", "libx264", "yuv444p", size=(47, 63))
    encode(root / "ten bits.mkv", "libx265", "yuv420p10le", options={"x265-params": "log-level=none"})
    encode(root / "interlaced.mp4", "libx264", "yuv420p", options={"x264-params": "interlaced=1:tff=1"})
    encode(root / "transparent.mov", "qtrle", "argb")
    encode(root / "short.mp4", "libx264", "yuv420p", frames=2)
    for name in (b"new\nline.mp4", b"colon:name.mp4", b"-dash.mp4", b"latin\xe9.mp4", b"%03d.mp4", b"what?x=1#y.mp4"):
        shutil.copy(root / "odd.mp4", root / os.fsdecode(name))
    good = (root / "odd.mp4").read_bytes()
    (root / "truncated.mp4").write_bytes(good[: len(good) // 2])
    (root / "text.mp4").write_text("no video\n" * 100)
    (root / "concat.mp4").write_text("ffconcat version 1.0\nfile odd.mp4\n")
    (root / "list.mp4").write_text("#EXTM3U\n#EXTINF:1,\nodd.mp4\n")
    (root / "noise.mkv").write_bytes(np.random.default_rng(0).bytes(20000))
    (root / "empty.mp4").touch()
    os.mkfifo(root / "pipe.mp4")
    (root / "self.mp4").symlink_to("self.mp4")
    (root / "device.mp4").symlink_to("/dev/zero")
    (root / "folder").mkdir()
    (root / "folder" / "up").symlink_to("..")
    return root


@pytest.mark.timeout(180)
@pytest.mark.parametrize("limit", [20, 1e-9], ids=["cached", "streamed"])
def test_it_is_trained_on_and_what_is_no_video_is_named(videogan, tiny, strange, limit):
    settings = ("--set", "data.labels=none", "--set", "data.max_bad_share=0.6", "--set", f"data.cache_limit_gb={limit}")
    done = videogan("train", strange, *tiny, *settings, "--steps", 2)
    assert done.code == 0, done.err
    assert "clips: 11 videos" in done.err
    for name in ("truncated", "text", "concat", "list", "empty", "pipe", "self", "device"):
        assert done.err.count(f"{name}.mp4 is left out: ") == 1, name
