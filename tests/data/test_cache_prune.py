import fcntl
import os
import shutil
import time

import pytest


@pytest.mark.parametrize(
    ("gone", "days", "filling", "kept"),
    [(True, 31, False, False), (True, 29, False, True), (False, 400, False, True), (True, 31, True, True)],
)
def test_the_cache_of_a_folder_that_is_gone_is_removed_after_a_month(
    labelled, cached, tmp_path, make_video, gone, days, filling, kept
):
    make_video(tmp_path / "old" / "0.mp4")
    cached(tmp_path / "old").close()
    (note,) = (tmp_path / "cache" / "clips").glob("old-*/source")
    if gone:
        shutil.rmtree(tmp_path / "old")
    then = time.time() - days * 24 * 3600
    os.utime(note, (then, then))
    with note.with_name("lock").open("a") as file:
        if filling:
            fcntl.flock(file, fcntl.LOCK_EX)
        cached(labelled).close()
    assert note.parent.exists() == kept
    assert len(list((tmp_path / "cache" / "clips").glob("*/*.bin"))) == 1 + kept


@pytest.mark.parametrize(("days", "kept"), [(179, True), (181, False)])
def test_the_cache_of_what_lies_in_a_store_is_removed_after_half_a_year(labelled, cached, tmp_path, days, kept):
    cached(labelled).close()
    (note,) = (tmp_path / "cache" / "clips").glob("*/source")
    other = note.parent.with_name("of-a-store")
    shutil.copytree(note.parent, other)
    (other / "source").write_text("s3://bucket/clips")
    then = time.time() - days * 24 * 3600
    os.utime(other / "source", (then, then))
    next(note.parent.glob("*.bin")).unlink()
    cached(labelled).close()
    assert other.exists() == kept


def test_opening_a_cache_counts_as_using_it(labelled, cached, tmp_path):
    cached(labelled).close()
    (note,) = (tmp_path / "cache" / "clips").glob("*/source")
    os.utime(note, (0, 0))
    cached(labelled).close()
    assert time.time() - note.stat().st_mtime < 24 * 3600
