"""How raw videos become clips: whose turn it is, their names, scenes, lengths and frame rates."""

import tarfile
from pathlib import Path

import numpy as np
import pytest
from raw_videos import clip_of, write

from videogan.data.folder import scan_folder
from videogan.preparation.cutting import pieces
from videogan.preparation.dataset import cut_videos, prepare
from videogan.preparation.recipes import Cutting, load_recipe
from videogan.preparation.scene_cuts import scene_starts


def test_count_takes_classes_in_turn(tmp_path):
    for number in range(3):
        write(tmp_path / "raw" / "a" / f"{number}.mp4", clip_of())
    write(tmp_path / "raw" / "b" / "0.mp4", clip_of())
    prepare("folder", tmp_path / "out", raw=tmp_path / "raw", count=2)
    assert sorted(path.parent.name for path in (tmp_path / "out").rglob("*.mp4")) == ["a", "b"]


def test_names_do_not_collide(tmp_path):
    raw = tmp_path / "raw"
    for name in ("a/x y.mp4", "a/x-y.mp4", "a/x-y.mkv", "a/X-Y.mp4"):
        write(raw / name, clip_of())
    prepare("folder", tmp_path / "out", raw=raw)
    assert len(list((tmp_path / "out" / "a").iterdir())) == 4


def test_a_video_does_not_take_the_name_of_another_ones_piece(tmp_path):
    raw, recipe = tmp_path / "raw", tmp_path / "mine.toml"
    for name, frames in (("x-000", 8), ("x", 16), ("y", 16), ("y-001", 8), ("y-002", 8)):
        write(raw / "a" / f"{name}.mp4", clip_of(frames))
    recipe.write_text(
        'kind = "videos"\ntitle = "t"\nhomepage = "h"\nlicence = "l"\n[layout]\nvideo = "(?P<label>a)/.*"\n'
        "[clips]\nsize = 32\nmin_frames = 8\nmax_frames = 8\n"
    )
    prepared = prepare(str(recipe), tmp_path / "out", raw=raw)
    names = sorted(path.stem for path in (tmp_path / "out").rglob("*.mp4"))
    assert prepared.clips == len(names) == 7
    assert names == ["x-000", "x.2-000", "x.2-001", "y-001", "y-002", "y.2-000", "y.2-001"]


def test_scene_cuts_and_long_pieces(tmp_path):
    rng = np.random.default_rng(0)
    scenes = [
        np.tile(rng.integers(0, 255, (2, 2, 3), np.uint8).repeat(24, 0).repeat(24, 1), (n, 1, 1, 1))
        for n in (20, 30, 9)
    ]
    write(tmp_path / "raw" / "a" / "x.mp4", np.concatenate(scenes))
    recipe = tmp_path / "mine.toml"
    recipe.write_text(
        'kind = "videos"\ntitle = "t"\nhomepage = "h"\nlicence = "l"\n[layout]\nvideo = "(?P<label>a)/.*"\n'
        "[clips]\nsize = 32\nmin_frames = 10\nmax_frames = 16\nscene_cuts = true\n"
    )
    prepare(str(recipe), tmp_path / "out", raw=tmp_path / "raw")
    folder = scan_folder(tmp_path / "out", cache_dir=tmp_path / "cache")
    assert [video.info.num_frames for video in folder.videos] == [16, 16, 14]
    assert [video.path.name for video in folder.videos] == ["x-000.mp4", "x-001.mp4", "x-002.mp4"]


def test_scene_starts_of_smooth_motion_is_the_first_frame():
    assert scene_starts(iter(clip_of(30, size=64)), 10) == [0]


@pytest.mark.parametrize(
    ("starts", "ticks", "shortest", "longest", "kept", "too_short"),
    [
        ([0], list(range(10)), 4, None, [(0, 10)], 0),
        ([0, 6], list(range(10)), 5, None, [(0, 6)], 1),
        ([0], list(range(10)), 3, 4, [(0, 4), (4, 8)], 1),
        ([0, 5], [0, 2, 4, 6, 8], 2, None, [(0, 3), (3, 5)], 0),
        ([0, 1], [0, 0, 0, 1], 1, None, [(0, 3), (3, 4)], 0),
        ([0], [], 1, None, [], 0),
    ],
)
def test_pieces(starts, ticks, shortest, longest, kept, too_short):
    assert pieces(starts, ticks, Cutting(min_frames=shortest, max_frames=longest)) == (kept, too_short)


def test_frame_rate_is_changed_by_time(tmp_path):
    write(tmp_path / "raw" / "a" / "x.mp4", clip_of(50), frame_rate=50)
    recipe = load_recipe("folder").model_copy(update={"clips": Cutting(frame_rate=10, min_frames=1)})
    done = cut_videos(recipe, tmp_path / "raw", tmp_path / "out")
    assert done.frames == 10
    (video,) = scan_folder(tmp_path / "out", cache_dir=tmp_path / "cache").videos
    assert video.info.frame_rate == 10


def test_clips_are_cut_from_videos_in_shards_too(tmp_path):
    write(tmp_path / "a" / "0.mp4", clip_of())
    write(tmp_path / "a" / "1.mp4", clip_of())
    (tmp_path / "raw").mkdir()
    with tarfile.open(tmp_path / "raw" / "clips.tar", "w") as tar:
        tar.add(tmp_path / "a", "a")
    made = prepare("folder", tmp_path / "out", raw=tmp_path / "raw")
    assert (made.clips, made.rejected) == (2, [])
    clips = sorted(path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*.mp4"))
    assert clips == [Path("a/0.mp4"), Path("a/1.mp4")]
    prepare("folder", tmp_path / "shards", raw=tmp_path / "raw", shard=(0, 1))
    shards = scan_folder(tmp_path / "shards", cache_dir=tmp_path / "cache")
    assert shards.class_names == ("a",)
    assert shards.rejected == ()
    assert [video.info.num_frames for video in shards.videos] == [len(clip_of())] * 2
