import os
import shutil
import sys

import numpy as np
import pytest

from videogan.data.columns import read_columns, write_columns
from videogan.data.folder import scan_folder, survey_folder
from videogan.data.listing import Listing
from videogan.errors import DataError, MissingPathError, UsageError
from videogan.files import natural_key, printable
from videogan.video import VideoWriter


def names(folder):
    return [os.fspath(video.path.relative_to(folder.root)) for video in folder.videos]


@pytest.fixture
def scan(tmp_path):
    return lambda root, **options: scan_folder(root, cache_dir=tmp_path / "cache", **options)


@pytest.fixture
def survey(tmp_path):
    return lambda root, **options: survey_folder(root, cache_dir=tmp_path / "cache", **options)


def test_classes_are_the_first_folders_in_natural_order(tmp_path, make_video, scan):
    root = tmp_path / "clips"
    for name in ("run10/z.mp4", "run2/2.mp4", "run2/10.mp4", "run2/deeper/still/1.mp4"):
        make_video(root / name)
    folder = scan(root)
    assert folder.class_names == ("run2", "run10")
    assert names(folder) == ["run2/2.mp4", "run2/10.mp4", "run2/deeper/still/1.mp4", "run10/z.mp4"]
    assert [video.label for video in folder.videos] == [0, 0, 0, 1]
    assert [video.info.num_frames for video in folder.videos] == [12] * 4


def test_a_flat_folder_has_no_classes(tmp_path, make_video, scan):
    make_video(tmp_path / "clips" / "1.mp4")
    folder = scan(tmp_path / "clips")
    assert folder.class_names == ()
    assert folder.videos[0].label is None


def test_a_mix_of_both_is_an_error_that_names_the_way_out(labelled, make_video, scan):
    make_video(labelled / "stray.mp4")
    with pytest.raises(DataError, match=r"1 videos lie outside.*data\.labels=none"):
        scan(labelled)
    folder = scan(labelled, labels="none")
    assert folder.class_names == ()
    assert len(folder.videos) == 5


def test_hidden_and_other_files_are_left_out_and_counted(labelled, scan):
    (labelled / ".DS_Store").write_bytes(b"x")
    (labelled / ".git").mkdir()
    shutil.copy(labelled / "a" / "0.mp4", labelled / ".git" / "0.mp4")
    (labelled / "notes.txt").write_text("hello")
    (labelled / "a" / "thumb.jpg").write_bytes(b"x")
    folder = scan(labelled)
    assert folder.hidden == 2
    assert [path.name for path in folder.ignored] == ["thumb.jpg", "notes.txt"]
    assert folder.rejected == ()
    assert len(folder.videos) == 4


def test_a_folder_of_numbered_images_is_a_video(tmp_path, scan):
    for name in ("walk/f_0001", "run/take1"):
        directory = tmp_path / "clips" / name
        directory.parent.mkdir(parents=True, exist_ok=True)
        with VideoWriter(directory) as writer:
            writer.write(np.zeros((6, 32, 32, 3), np.uint8))
    folder = scan(tmp_path / "clips")
    assert folder.class_names == ("run", "walk")
    assert [video.info.num_frames for video in folder.videos] == [6, 6]
    alone = scan(tmp_path / "clips" / "run" / "take1")
    assert len(alone.videos) == 1
    assert alone.class_names == ()


def test_file_system_faults_are_rejected_with_a_reason(labelled, survey):
    good = labelled / "a" / "0.mp4"
    os.mkfifo(labelled / "a" / "fifo.mp4")
    (labelled / "a" / "loop.mp4").symlink_to("loop.mp4")
    (labelled / "a" / "dangling.mp4").symlink_to("nowhere")
    (labelled / "a" / "back").symlink_to(labelled, target_is_directory=True)
    (labelled / "a" / "zero.mp4").touch()
    (labelled / "a" / "dir.mp4").mkdir()
    (labelled / "a" / "link.mp4").symlink_to(good)
    folder = survey(labelled)
    reasons = {path.name: reason for path, reason in folder.rejected}
    assert set(reasons) == {"fifo.mp4", "loop.mp4", "dangling.mp4", "back", "zero.mp4"}
    assert "loop" in reasons["loop.mp4"]
    assert "already read" in reasons["back"]
    assert all(reasons.values())
    assert "a/link.mp4" in names(folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(labelled, survey):
    (labelled / "b").chmod(0)
    try:
        folder = survey(labelled)
    finally:
        (labelled / "b").chmod(0o755)
    assert [(path.name, reason) for path, reason in folder.rejected] == [("b", "permission denied")]


@pytest.mark.skipif(sys.platform == "darwin", reason="file names are UTF-8 there")
def test_names_of_any_bytes(labelled, scan):
    odd = os.fsdecode(b"caf\xe9 \n:x.mp4")
    shutil.copy(labelled / "a" / "0.mp4", labelled / "a" / odd)
    (labelled / "b").rename(os.fsdecode(os.fsencode(labelled) + b"/\xff"))
    folder = scan(labelled)
    assert len(folder.videos) == 5
    assert folder.class_names == ("a", "\\xff")
    assert scan(labelled) == folder
    assert printable(odd) == "caf\\xe9 \\n:x.mp4"


def test_errors_say_what_was_found(tmp_path, make_video, scan):
    with pytest.raises(MissingPathError, match="no such"):
        scan(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="it is empty"):
        scan(tmp_path / "empty")
    (tmp_path / "empty" / "notes.txt").write_text("x")
    with pytest.raises(DataError, match="1 files of other kinds"):
        scan(tmp_path / "empty")
    with pytest.raises(UsageError, match="neither a folder nor a video"):
        scan(tmp_path / "empty" / "notes.txt")
    (tmp_path / "empty" / "bad.mp4").write_text("not a video")
    with pytest.raises(DataError, match=r"no usable video \(1 rejected, the first being bad.mp4: "):
        scan(tmp_path / "empty")
    make_video(tmp_path / "empty" / "good.mp4")
    assert len(scan(tmp_path / "empty").rejected) == 1
    with pytest.raises(DataError, match="50% of the videos cannot be used"):
        scan(tmp_path / "empty", max_bad_share=0.4)


def test_one_video_is_a_folder_of_one(tmp_path, make_video, scan):
    folder = scan(make_video(tmp_path / "one.mp4"))
    assert len(folder.videos) == 1
    (tmp_path / "bad.mp4").write_text("not a video")
    with pytest.raises(DataError, match="no usable video"):
        scan(tmp_path / "bad.mp4")


def test_probe_results_are_kept_until_a_file_changes(labelled, tmp_path, make_video, scan):
    first = scan(labelled)
    (index,) = (tmp_path / "cache" / "probes").glob("*.columns")
    columns, about = read_columns(index)
    listing = Listing.of_columns({name: column.copy() for name, column in columns.items()}, about["remarks"])
    assert listing.name(0) == b"a/0.mp4"
    listing.rows["frames"][0] = 999
    write_columns(index, listing.columns()[0], about)
    assert scan(labelled).videos[0].info.num_frames == 999
    make_video(labelled / "a" / "new.mp4")
    (labelled / "a" / "0.mp4").touch()
    assert scan(labelled).videos[0] == first.videos[0]
    (labelled / "a" / "2.mp4").unlink()
    scan(labelled)
    columns, about = read_columns(index)
    names = Listing.of_columns(columns, about["remarks"]).every_name()
    assert set(names) == {b"a/0.mp4", b"a/1.mp4", b"a/new.mp4", b"b/0.mp4"}
    whole = index.read_bytes()
    for damaged in (b"", whole[:-9], whole[:100] + b"\xff" + whole[101:]):
        index.write_bytes(damaged)
        assert [video.info.num_frames for video in scan(labelled).videos] == [20, 24, 12, 30]


def test_a_cache_that_cannot_be_written_is_no_error(labelled, tmp_path):
    (tmp_path / "file").touch()
    assert len(scan_folder(labelled, cache_dir=tmp_path / "file").videos) == 4


def test_progress_is_told(labelled, scan):
    told = []
    scan(labelled, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_an_interrupted_scan_keeps_what_it_learnt(labelled, tmp_path, scan):
    def interrupt(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scan(labelled, progress=interrupt)
    (index,) = (tmp_path / "cache" / "probes").glob("*.columns")
    columns, about = read_columns(index)
    kept = Listing.of_columns(columns, about["remarks"])
    assert len(kept) - len(kept.unprobed()) >= 2  # and what was being probed just then


def test_natural_order():
    names = ["b", "a10", "a2", "A1", "a02", "b2", "1"]
    backwards = names[::-1]
    assert sorted(names, key=natural_key) == sorted(backwards, key=natural_key)
    assert sorted(["a10", "a2", "1"], key=natural_key) == ["1", "a2", "a10"]
