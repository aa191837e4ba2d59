"""What a path within a store is, and what fsspec reads of any store."""

import io
import os
import tarfile
from pathlib import Path

import fsspec
import numpy as np
import pytest

from videogan.data.folder import survey_folder
from videogan.data.paths import common_folder, named_paths
from videogan.errors import UsageError
from videogan.storage.places import RemotePath, as_place, find, read, stamp_of_file
from videogan.video import VideoWriter


@pytest.fixture
def memory():
    files = fsspec.filesystem("memory")
    files.pipe_file("/set/b.tar", b"0123456789")
    files.pipe_file("/set/more/a.TAR", b"")
    files.pipe_file("/set/a.mp4", b"")
    yield files
    files.rm("/set", recursive=True)


def test_a_url_stays_one_whatever_is_done_to_its_path():
    for text in ("s3://bucket/set/a.tar", "s3:/bucket/set/a.tar"):
        place = as_place(text)
        assert isinstance(place, RemotePath)
        assert str(place) == os.fspath(place) == f"{place}" == "s3://bucket/set/a.tar"
        assert str(place.parent / "b.tar") == "s3://bucket/set/b.tar"
        assert place.resolve() == place.absolute() == place
        assert str((place / "run" / "0.mp4").relative_to(place)) == "run/0.mp4"
        assert not place.exists()
        assert not place.is_dir()
    assert str(as_place("simplecache::s3://bucket/a.tar")) == "simplecache::s3://bucket/a.tar"
    assert as_place("file:///data/a.tar") == Path("/data/a.tar")
    for text in ("clips/a.tar", "/data/a:/b.tar", "a"):
        assert type(as_place(text)) is type(Path())
        assert str(as_place(text)) == text


def test_a_local_folder_of_such_a_name_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert isinstance(as_place("s3:/a.tar"), RemotePath)
    Path("s3:").mkdir()
    assert not isinstance(as_place("s3:/a.tar"), RemotePath)


def test_what_holds_several_objects_is_their_folder_or_their_store():
    both = named_paths(["s3://one/a.tar", "s3://two/b.tar"])
    root = common_folder(both)
    assert [str(root / path.relative_to(root)) for path in both] == ["s3://one/a.tar", "s3://two/b.tar"]
    assert str(common_folder(named_paths("s3://one/set/a{1..3}.tar"))) == "s3://one/set"
    for other in (Path("/data/a.tar"), as_place("gs://one/a.tar")):
        with pytest.raises(UsageError, match="one store, or of this machine"):
            common_folder([*both, other])


def test_pieces_and_marks_of_objects(memory):
    place = as_place("memory://set/b.tar")
    assert read(place, 3, 4) == b"3456"
    assert read(place, 8, 4) == b"89"
    assert read(place, 20, 4) == b""
    before = stamp_of_file(place)
    assert before == stamp_of_file(place)
    memory.pipe_file("/set/b.tar", b"9876543210")
    assert before[0] == stamp_of_file(place)[0] == 10
    assert before[1] != stamp_of_file(place)[1]
    assert list(map(str, find(as_place("memory://set"), ".tar"))) == ["memory://set/b.tar", "memory://set/more/a.TAR"]
    assert list(map(str, find(as_place("memory://set/*"), ".tar"))) == ["memory://set/b.tar"]


def test_a_shard_is_read_from_any_store(memory, tmp_path):
    with VideoWriter(tmp_path / "0.mp4", frame_rate=25) as writer:
        writer.write(np.zeros((5, 16, 16, 3), np.uint8))
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        tar.add(tmp_path / "0.mp4", "walk/0.mp4")
    memory.pipe_file("/set/c.tar", content.getvalue())
    folder = survey_folder("memory://set/c.tar", cache_dir=tmp_path)
    assert folder.class_names == ("walk",)
    assert [str(video.path) for video in folder.videos] == ["memory://set/c.tar/walk/0.mp4"]
    assert survey_folder("memory://set/more/a.TAR", cache_dir=tmp_path).rejected[0][1] == "not a tar"
