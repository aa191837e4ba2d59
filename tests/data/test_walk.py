"""What lies in a folder beside its videos, and how deep and where it leads."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from videogan.data.folder import survey_folder
from videogan.data.walk import MAX_DEPTH, walk_folders


@pytest.fixture
def survey(tmp_path):
    return lambda root: survey_folder(root, cache_dir=tmp_path / "cache")


def still(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (32, 24), "blue").save(path)


def test_what_a_downloader_leaves_is_no_bad_video(tmp_path, make_video, survey):
    root = tmp_path / "channel"
    for number in range(3):
        make_video(root / f"Title {number} [abc{number}].mp4")
        still(root / f"Title {number} [abc{number}].webp")
        (root / f"Title {number} [abc{number}].info.json").write_text("{}")
        (root / f"Title {number} [abc{number}].en.vtt").write_text("WEBVTT\n")
    (root / "player.ts").write_text("export const player = 1;\n" * 20)
    folder = survey(root)
    assert len(folder.videos) == 3
    assert folder.rejected == ()
    assert folder.bad_share == 0
    assert len(folder.ignored) == 10
    assert survey(root) == folder


def test_a_folder_of_pointers_says_so(tmp_path, survey):
    (tmp_path / "a").mkdir()
    for number in range(2):
        (tmp_path / "a" / f"{number}.mp4").write_text("version https://git-lfs.github.com/spec/v1\nsize 3\n")
    folder = survey(tmp_path / "a")
    assert ["Git LFS pointer" in reason for _, reason in folder.rejected] == [True, True]


@pytest.mark.parametrize("name", ["@eaDir", "#recycle", "$RECYCLE.BIN", "__MACOSX"])
def test_folders_of_the_system_are_neither_classes_nor_in_the_way(tmp_path, make_video, survey, name):
    root = tmp_path / "clips"
    make_video(root / "walk" / "0.mp4")
    make_video(root / name / "thumbnail.mp4")
    for number in range(4):
        still(root / "walk" / "seq" / f"f_{number}.jpg")
    still(root / "walk" / "seq" / name / "f_0.jpg" / "SYNOPHOTO_THUMB_M.jpg")
    folder = survey(root)
    assert folder.class_names == ("walk",)
    assert {video.path.name: video.info.num_frames for video in folder.videos} == {"0.mp4": 12, "seq": 4}
    assert folder.hidden == 2


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_numbered_animations_are_videos_of_their_own(tmp_path, survey, suffix):
    root = tmp_path / "clips"
    root.mkdir()
    for number in range(3):
        pictures = [Image.fromarray(np.full((12, 16, 3), 50 * step, np.uint8)) for step in range(5)]
        pictures[0].save(root / f"clip_{number}{suffix}", save_all=True, append_images=pictures[1:])
    folder = survey(root)
    assert [(video.path.name, video.info.num_frames) for video in folder.videos] == [
        (f"clip_{number}{suffix}", 5) for number in range(3)
    ]


def test_folders_of_any_depth_end(tmp_path, make_video):
    root = deep = tmp_path / "clips"
    make_video(root / "a.mp4")
    for _ in range(MAX_DEPTH + 1):
        deep = deep / "d"
        deep.mkdir()
    make_video(deep / "b.mp4")
    walk = walk_folders([root])
    assert [path.name for path in walk.paths()] == ["a.mp4"]
    assert walk.rejected == [(deep, f"more than {MAX_DEPTH} folders deep")]


@pytest.mark.parametrize("target", ["/", "/proc", "/proc/self", "/sys", "/dev", ".."])
def test_links_out_to_the_system_or_round_in_a_circle_are_not_followed(tmp_path, make_video, target):
    root = tmp_path / "clips"
    make_video(root / "a" / "0.mp4")
    (root / "a" / "link").symlink_to(target)
    walk = walk_folders([root])
    assert [path.name for path in walk.paths()] == ["0.mp4"]
    assert [path.name for path, _ in walk.rejected] == ["link"]


def test_links_to_other_folders_are_followed(tmp_path, make_video):
    make_video(tmp_path / "elsewhere" / "0.mp4")
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "walk").symlink_to(tmp_path / "elsewhere")
    walk = walk_folders([tmp_path / "clips"])
    assert [path.name for path in walk.paths()] == ["0.mp4"]
    assert walk.listing.folders == ["walk"]
