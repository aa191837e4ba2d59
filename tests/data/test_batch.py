"""Work on every file of a folder: what it is done on, what is left out, and that it goes on where it stopped."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import videogan
from videogan.errors import DataError, Interrupted, MissingPathError, UsageError, VideoError
from videogan.video import VideoWriter, probe


@pytest.fixture
def folder(tmp_path) -> Path:
    for name in ("b/2.mp4", "b/10.mp4", "a.mp4", "a.webm"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        with VideoWriter(tmp_path / "in" / name) as writer:
            writer.write(np.zeros((2, 32, 32, 3), np.uint8))
    (tmp_path / "in" / "b" / "3.mp4").write_text("no video")
    (tmp_path / "in" / "notes.txt").write_text("x")
    return tmp_path / "in"


def copy(source: Path, target: Path) -> int:
    """Read a video and write something: fails as a video does."""
    frames = probe(source).num_frames
    target.write_bytes(source.read_bytes())
    return frames


def test_every_video_gives_one_and_a_bad_one_is_left_out(folder, tmp_path, caplog):
    batch = videogan.for_each(folder, tmp_path / "out", copy)
    done = [str(path.relative_to(folder)) for path in batch.results]
    assert done == ["a.mp4", "a.webm", "b/2.mp4", "b/10.mp4"]
    assert set(batch.results.values()) == {2}
    written = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.mp4")}
    assert written == {"a.mp4", "a.webm.mp4", "b/2.mp4", "b/10.mp4"}
    ((path, reason),) = batch.rejected
    assert path == folder / "b" / "3.mp4"
    assert f"{path} is left out: {reason}" in caplog.messages


def test_the_same_call_goes_on_where_it_stopped(folder, tmp_path):
    done = []

    def stops_at_third(source: Path, target: Path) -> None:
        done.append(source.name)
        target.write_text("half" if len(done) == 3 else "whole")
        if len(done) == 3:
            raise Interrupted("stopped", 2)

    with pytest.raises(Interrupted):
        videogan.for_each(folder, tmp_path / "out", stops_at_third)
    assert {path.read_text() for path in (tmp_path / "out").rglob("*.mp4")} == {"whole"}
    batch = videogan.for_each(folder, tmp_path / "out", copy)
    assert [path.name for path in batch.skipped] == done[:2]
    assert [path.name for path in batch.results] == ["2.mp4", "10.mp4"]
    again = videogan.for_each(folder, tmp_path / "out", copy, overwrite=True)
    assert len(again.results) == 4


def test_what_was_written_into_the_folder_itself_is_no_input(folder):
    for _ in range(2):
        batch = videogan.for_each(folder, folder / "out", copy)
    assert len(batch.skipped) == 4
    assert not list((folder / "out" / "out").glob("*"))


def test_pictures(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("photo10.jpg", "photo2.png", ".hidden.png"):
        Image.new("RGB", (8, 8)).save(tmp_path / "in" / name)
    seen = []
    videogan.for_each(tmp_path / "in", tmp_path / "out", lambda source, target: seen.append(target.name), pictures=True)
    assert seen == ["photo2.mp4", "photo10.mp4"]


def test_nothing_that_can_be_used(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingPathError, match="no such folder"):
        videogan.for_each(tmp_path / "absent", tmp_path / "out", copy)
    with pytest.raises(DataError, match="holds no video"):
        videogan.for_each(tmp_path / "empty", tmp_path / "out", copy)
    for out in (folder, folder / "a.mp4"):
        with pytest.raises(UsageError, match="into another folder"):
            videogan.for_each(folder, out, copy)

    def fails(source: Path, target: Path) -> None:
        raise VideoError(source, "broken")

    with pytest.raises(DataError, match="none of its 5 files"):
        videogan.for_each(folder, tmp_path / "out", fails)
