"""The recipes that come along: each cuts the layout of its dataset; a faulty one costs one line."""

from pathlib import Path

import numpy as np
import pytest
from einops import reduce
from raw_videos import clip_of, write

from videogan.data.folder import scan_folder
from videogan.errors import UsageError
from videogan.preparation.cutting import find_videos
from videogan.preparation.dataset import prepare
from videogan.preparation.recipes import SyntheticRecipe, VideosRecipe, load_recipe, recipe_names
from videogan.preparation.synthetic import stacked_digits
from videogan.video import VideoReader, VideoWriter

# A few paths as each dataset unpacks them, and the class (or None) and split of each; None for what is no video of it.
LAYOUTS = {
    "weizmann-actions": {
        "walk/daria_walk.avi": ("walk", "train"),
        "lena_run1.avi": ("run", "train"),
        "moshe_wave1.avi": ("wave1", "test"),
        "moshe_wave2.avi": ("wave2", "test"),
        "lena_skip2.avi": ("skip", "train"),
    },
    "kth-actions": {
        "boxing/person11_boxing_d1_uncomp.avi": ("boxing", "train"),
        "boxing/person01_boxing_d2_uncomp.avi": ("boxing", "validation"),
        "handwaving/person22_handwaving_d4_uncomp.avi": ("handwaving", "test"),
        "boxing/other.avi": None,
    },
    "ucf101": {
        "UCF-101/ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi": ("ApplyEyeMakeup", "train"),
        "UCF-101/YoYo/v_YoYo_g07_c02.avi": ("YoYo", "test"),
    },
    "hmdb51": {"hmdb51_org/brush_hair/April_09_brush_hair_u_nm_np1_ba_goo_0.avi": ("brush_hair", None)},
    "kinetics-folder": {
        "train/playing kazoo/abc_000001_000011.mp4": ("playing kazoo", "train"),
        "k400/val/abseiling/x_000001_000011.mp4": ("abseiling", "validation"),
        "zumba/x.mkv": ("zumba", None),
    },
    "sky-timelapse": {
        "sky_timelapse/sky_train/07U1fSrk9oI/07U1fSrk9oI_1/": (None, "train"),
        "sky_timelapse/sky_test/abc/abc_10/": (None, "test"),
    },
    "faceforensics": {
        "original_sequences/youtube/c23/videos/000.mp4": (None, None),
        "manipulated_sequences/Deepfakes/c23/videos/000_003.mp4": None,
    },
    "taichi-hd": {
        "taichi/train/A7ZVlMRXa2o#000000#000128.mp4": (None, "train"),
        "taichi/test/b#1#2.mp4/": (None, "test"),
    },
    "bair-pushing": {
        "processed_data/train/traj_0_to_255/0/": (None, "train"),
        "processed_data/test/traj_10174_to_10429/12/": (None, "test"),
    },
    "folder": {"anything/deep/er.mp4": ("anything", None), "flat.mkv": (None, None)},
}


def write_images(folder: Path, frames: np.ndarray) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(folder.with_name("images")) as writer:
        writer.write(frames)
    folder.with_name("images").rename(folder)


def test_every_recipe_is_tried_here():
    real = {name for name in recipe_names() if isinstance(load_recipe(name), VideosRecipe)}
    assert real == set(LAYOUTS)
    drawn = {name for name in recipe_names() if isinstance(load_recipe(name), SyntheticRecipe)}
    assert drawn == {"moving-shapes", "moving-digits", "moving-figures", "stacked-digits"}


@pytest.mark.parametrize("name", ["moving-shapes", "moving-digits", "moving-figures", "stacked-digits"])
def test_each_drawn_recipe_makes_as_many_videos_as_asked(name, tmp_path):
    prepared = prepare(name, tmp_path / "out", count=3)
    assert prepared.clips == 3


def test_stacked_digits_keep_every_colour_at_the_size_that_a_model_learns(tmp_path):
    """MP4 holds colour at half the resolution, so that at 32 pixels red and blue would be blurred and green not."""
    lost = {}
    for size in (32, None):
        prepare("stacked-digits", tmp_path / str(size), count=4, size=size)
        errors = []
        for path in sorted((tmp_path / str(size)).rglob("*.mp4")):
            with VideoReader(path, size=(32, 32)) as reader:
                written = reader.read(range(48))
            drawn = stacked_digits(int(path.stem), size=size or 64)[0]
            drawn = reduce(drawn.astype(float), "t (h y) (w x) c -> t h w c", "mean", h=32, w=32)
            errors.append(np.abs(written - drawn).mean(axis=(0, 1, 2)))
        lost[size] = np.mean(errors, axis=0)
    assert (lost[None] < 0.5 * lost[32])[[0, 2]].all()


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_recipe_cuts_its_real_layout(name, tmp_path):
    raw = tmp_path / "raw"
    frames = clip_of(40)
    for path in LAYOUTS[name]:
        if path.endswith("/"):
            write_images(raw / path, frames)
        else:
            write(raw / path, frames)
    recipe = load_recipe(name)
    assert isinstance(recipe, VideosRecipe)
    expected = {path.rstrip("/"): what for path, what in LAYOUTS[name].items() if what is not None}
    labels = {video.path.relative_to(raw).as_posix(): video.label for video in find_videos(recipe, raw, None)[0]}
    assert labels == {path: None if label is None else label.replace(" ", "-") for path, (label, _) in expected.items()}
    for split in recipe.layout.splits:
        paths = {path for path, (_, of) in expected.items() if of == split}
        assert not paths or {v.path.relative_to(raw).as_posix() for v in find_videos(recipe, raw, split)[0]} == paths
    prepare(name, tmp_path / "out", raw=raw, size=32)
    folder = scan_folder(tmp_path / "out", cache_dir=tmp_path / "cache", labels="none")
    assert len(folder.videos) == len(expected)
    assert {(video.info.width, video.info.height) for video in folder.videos} == {(32, 32)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('kind = "videos"\ntitel = "x"', "titel|title"),
        ('kind = "vidoes"', "vidoes|kind|recipe"),
        ("kind = ", "not a readable TOML file"),
        ('kind = "moving-shapes"\ntitle = "x"\ncuont = 3', "did you mean 'count'"),
        ('kind="videos"\ntitle="t"\nhomepage="h"\nlicence="l"\n[layout]\nvideo="("', "not a regular expression"),
    ],
)
def test_a_faulty_recipe_is_one_line(tmp_path, text, message):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=message) as caught:
        load_recipe(str(path))
    assert "\n" not in str(caught.value)
