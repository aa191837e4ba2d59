"""What may be named as clips, and what is plainly something else."""

import shutil
import unicodedata

import numpy as np
import pytest
from PIL import Image

from videogan.data.folder import scan_folder, survey_folder
from videogan.data.paths import common_folder, named_paths, split_parts
from videogan.data.walk import walk_folders
from videogan.errors import DataError, MissingPathError, UsageError


def names(folder):
    return [
        (video.path.name, None if video.label is None else folder.class_names[video.label]) for video in folder.videos
    ]


def test_several_folders_files_and_patterns_are_one_set(labelled, monkeypatch):
    monkeypatch.chdir(labelled.parent)
    whole = names(survey_folder(labelled))
    assert len(whole) == 4
    for given in (
        ["clips/a", "clips/b"],
        ["clips/b", "clips/a", "clips/a"],
        [*map(str, labelled.rglob("*.mp4"))],
        "clips/*/*.mp4",
        "clips/?",
    ):
        assert names(survey_folder(given)) == whole, given
    assert common_folder(named_paths(["clips/a", "clips/b"])) == labelled
    assert names(survey_folder(["clips/a/0.mp4", "clips/a/1.mp4"])) == [("0.mp4", None), ("1.mp4", None)]


def test_classes_of_several_folders_with_sub_folders_stay_theirs(labelled, tmp_path, make_video):
    make_video(tmp_path / "more" / "b" / "9.mp4")
    folder = survey_folder([labelled, tmp_path / "more"])
    assert folder.class_names == ("a", "b")
    assert [name for name, label in names(folder) if label == "b"] == ["0.mp4", "9.mp4"]


def test_a_list_names_what_lies_beside_it(labelled, monkeypatch, tmp_path):
    (labelled.parent / "list.txt").write_text("# of two\nclips/a/0.mp4\n\nclips/b\n")
    monkeypatch.chdir("/")
    assert names(survey_folder(labelled.parent / "list.txt")) == [("0.mp4", "a"), ("0.mp4", "b")]
    for text in ("", "absent.mp4\n"):
        (tmp_path / "bad.txt").write_text(text)
        with pytest.raises(UsageError, match="one a line"):
            named_paths(tmp_path / "bad.txt")


@pytest.mark.parametrize("name", ["a.zip", "A.MP4.GZ", "a.7z", "a.rar"])
def test_an_archive_is_to_be_unpacked(tmp_path, name):
    (tmp_path / name).write_bytes(b"PK")
    with pytest.raises(UsageError, match="unpack"):
        survey_folder(tmp_path / name)


def test_what_is_not_there_is_named(tmp_path):
    for name in ("absent", "*.mp4", "[a"):
        with pytest.raises(MissingPathError, match="no such file"):
            named_paths([tmp_path, tmp_path / name])


@pytest.mark.parametrize(
    ("folders", "parts"),
    [
        (["train", "val", "test"], {"train", "val", "test"}),
        (["Training", "Validation"], {"train", "val"}),
        (["train", "test", ".cache"], {"train", "test"}),
        (["train"], set()),
        (["val", "test"], set()),
        (["train", "test", "plane"], set()),
        (["train", "training", "test"], set()),
    ],
)
def test_parts_of_a_data_set_are_no_classes(tmp_path, folders, parts):
    for name in folders:
        (tmp_path / name).mkdir()
    (tmp_path / "README.md").touch()
    assert set(split_parts(tmp_path)) == parts
    (tmp_path / "a.mp4").touch()
    assert split_parts(tmp_path) == {}
    assert split_parts(tmp_path / "README.md") == {}


def test_own_folders_among_the_clips_are_left_out(labelled):
    run, report = labelled / "runs" / "demo", labelled / "a" / "evaluation"
    for folder in (run / "checkpoints", run / "previews", report):
        folder.mkdir(parents=True)
    for path in (run / "config.json", report / "report.json", report / "report.html"):
        path.write_text("{}")
    for path in (run / "previews" / "step-00000000.mp4", report / "real.mp4"):
        shutil.copy(labelled / "a" / "0.mp4", path)
    folder = scan_folder(labelled)
    assert len(folder.videos) == 4
    assert folder.class_names == ("a", "b")
    assert set(folder.own) == {run, report}
    assert folder.rejected == ()
    assert len(walk_folders([run]).listing) == 1, "it can be looked into by its name"


def stills(folder, pictures):
    folder.mkdir(parents=True)
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).resize((48, 48), Image.Resampling.NEAREST).save(folder / f"img_{number}.jpg")


def test_numbered_stills_are_no_video_and_frames_are(tmp_path):
    random = np.random.default_rng(0).integers(0, 256, (2, 9, 4, 4, 3), np.uint8)
    for name, pictures in zip(("cats", "dogs"), random, strict=True):
        stills(tmp_path / "stills" / name, pictures)
    with pytest.raises(DataError, match="9 pictures have nothing in common"):
        scan_folder(tmp_path / "stills")
    scene = np.repeat(np.repeat(random[0, 0], 12, 0), 12, 1)
    stills(tmp_path / "video" / "pan", [np.roll(scene, 3 * step, axis=1) for step in range(9)])
    stills(tmp_path / "video" / "noise", np.random.default_rng(1).integers(0, 256, (5, 48, 48, 3), np.uint8))
    assert len(scan_folder(tmp_path / "video").videos) == 2


def test_a_name_is_the_same_in_one_character_or_two(tmp_path, make_video):
    one, two = (unicodedata.normalize(form, "école") for form in ("NFC", "NFD"))
    assert one != two
    make_video(tmp_path / "mac" / two / "0.mp4")
    make_video(tmp_path / "linux" / one / "1.mp4")
    assert survey_folder(tmp_path / "mac").class_names == survey_folder(tmp_path / "linux").class_names == (one,)
    both = survey_folder([tmp_path / "mac", tmp_path / "linux"])
    assert both.class_names == (one,)
    assert len(both.videos) == 2
    assert [path.name for path in (tmp_path / "mac").iterdir()] == [two], "folders keep their own"
