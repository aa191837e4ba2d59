"""The function behind ``videogan prepare``: what it returns, what it refuses, and one bad video that ends nothing."""

import logging

import numpy as np
import pytest
from PIL import Image
from raw_videos import clip_of, write

import videogan.preparation
from videogan.errors import UsageError
from videogan.preparation.dataset import prepare
from videogan.video import VideoReader


def test_drawn_clips_are_counted(tmp_path):
    told = []
    result = prepare("moving-shapes", tmp_path / "out", count=3, size=32, progress=lambda *done: told.append(done))
    assert (result.folder, result.clips, result.frames) == (tmp_path / "out", 3, 192)
    assert result.class_names == {"circle", "square", "triangle"}
    assert (result.too_short, result.rejected) == (0, [])
    assert told == [(1, 3), (2, 3), (3, 3)]
    with VideoReader(tmp_path / "out" / "circle" / "000000.mp4") as reader:
        assert (len(reader), reader.size) == (64, (32, 32))


def test_cut_clips_name_their_terms(tmp_path, caplog):
    write(tmp_path / "raw" / "a" / "x.mp4", clip_of())
    with caplog.at_level(logging.INFO):
        result = prepare("folder", tmp_path / "out", raw=tmp_path / "raw")
    assert (result.clips, result.frames, result.class_names) == (1, 20, {"a"})
    assert "terms: " in caplog.text


def test_one_bad_video_ends_nothing_else(tmp_path):
    """FFmpeg itself raises between the packets of this one."""
    raw = tmp_path / "raw" / "a"
    write(raw / "good.mp4", clip_of())
    noise = np.random.default_rng(0)
    pictures = [Image.fromarray(noise.integers(0, 255, (32, 48, 3), np.uint8)) for _ in range(20)]
    pictures[0].save(raw / "broken.apng", "PNG", save_all=True, append_images=pictures[1:])
    data = bytearray((raw / "broken.apng").read_bytes())
    data[data.index(b"fdAT") - 4] = 0x80
    (raw / "broken.apng").write_bytes(data)
    result = prepare("folder", tmp_path / "out", raw=tmp_path / "raw")
    assert result.clips == 1
    assert [path.name for path, _ in result.rejected] == ["broken.apng"]


def test_a_name_as_long_as_file_systems_allow_gives_a_shorter_one(tmp_path):
    write(tmp_path / "short.mp4", clip_of())
    (tmp_path / "raw" / "a").mkdir(parents=True)
    (tmp_path / "short.mp4").rename(tmp_path / "raw" / "a" / ("\u6f22" * 83 + ".mp4"))
    prepare("folder", tmp_path / "out", raw=tmp_path / "raw")
    (clip,) = (tmp_path / "out" / "a").iterdir()
    assert len(clip.name.encode()) <= 210


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 0}, "count 0"),
        ({"count": 10**12}, "count 10{12}"),
        ({"seed": -1}, "seed -1"),
        ({"size": 4}, "size 4"),
        ({"size": 10**6}, "size 1000000"),
    ],
)
def test_what_is_out_of_range_is_refused_before_anything_is_made(tmp_path, options, message):
    with pytest.raises(UsageError, match=message):
        prepare("moving-shapes", tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_the_room_names_its_entrances():
    assert all(callable(getattr(videogan.preparation, name)) for name in videogan.preparation.__all__)
