"""A video that cannot be decoded is left out of every kind of clip cache, and nothing else is."""

import numpy as np
import pytest
from PIL import Image


@pytest.mark.parametrize("limit_gb", [1, 2e-4, 1e-9])
def test_one_video_on_which_ffmpeg_raises_ends_nothing_else(labelled, cached, limit_gb):
    noise = np.random.default_rng(0)
    pictures = [Image.fromarray(noise.integers(0, 255, (32, 48, 3), np.uint8)) for _ in range(3)]
    path = labelled / "a" / "broken.apng"
    pictures[0].save(path, "PNG", save_all=True, append_images=pictures[1:])
    data = bytearray(path.read_bytes())
    data[data.index(b"fdAT") - 4] = 0x80  # a length that no 31-bit number holds: the demuxer itself raises
    path.write_bytes(data)
    cache = cached(labelled, frame_rate=25, cache_limit_gb=limit_gb)
    assert [path.name for path, _ in cache.rejected] == ["broken.apng"]
    assert len(cache.videos) == 4
