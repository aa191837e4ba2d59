"""A published file is found, fetched and verified; every way in which that fails costs one line."""

import os
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from videogan.errors import UsageError
from videogan.metrics.features import load_features
from videogan.metrics.published import I3D, Published, find, git_blob_hash, open_torchscript


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(folder):
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def shelf(tmp_path):
    (tmp_path / "shelf").mkdir()
    (tmp_path / "shelf" / "net.pt").write_bytes(b"hello\n")
    (tmp_path / "shelf" / "page.html").write_bytes(b"not found, but politely")
    return tmp_path / "shelf"


HASH = "ce013625030ba8dba906f756967f9e9ca394464a"


def test_git_blob_hash_is_that_of_git(shelf):
    assert git_blob_hash(shelf / "net.pt") == HASH


def test_a_fetched_file_is_the_right_one_and_stays(shelf, tmp_path):
    with served(shelf) as address:
        addresses = (f"{address}/none.pt", f"{address}/page.html", f"{address}/net.pt")
        published = Published("net.pt", HASH, addresses)
        with pytest.raises(UsageError, match=r"--features-file.*--fetch"):
            find(published, fetch=False, cache_dir=tmp_path / "cache")
        file = find(published, fetch=True, cache_dir=tmp_path / "cache")
    assert file.read_bytes() == b"hello\n"
    assert find(published, fetch=True, cache_dir=tmp_path / "cache") == file
    assert [path.name for path in file.parent.iterdir()] == ["net.pt"]
    file.write_bytes(b"damaged")
    with pytest.raises(UsageError):
        find(published, fetch=False, cache_dir=tmp_path / "cache")


def test_wrong_files_and_no_network_are_told_on_one_line(shelf, tmp_path):
    with served(shelf) as address:
        pass  # the port is free again, so that nobody answers
    with served(shelf) as other:
        published = Published("net.pt", HASH, (f"{address}/net.pt", f"{other}/page.html"))
        with pytest.raises(UsageError) as told:
            find(published, fetch=True, cache_dir=tmp_path / "cache")
    said = str(told.value)
    assert "refused" in said and "gave another file" in said and "--features-file" in said and "\n" not in said
    assert not list((tmp_path / "cache" / "weights").iterdir())


def test_i3d_without_a_file_says_where_it_looks(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(UsageError) as told:
        load_features("i3d-cd-fvd")
    assert str(tmp_path) in str(told.value) and I3D.addresses[0] in str(told.value)


def test_what_is_no_file_or_larger_than_any_network_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(20 * 2**30)
    for name, words in (("pipe", "not a regular file"), ("huge", "20 GiB"), ("absent", "No such file")):
        with pytest.raises(UsageError, match=words):
            open_torchscript(tmp_path / name, "cpu", trust=True)
