"""The cache is filled part by part: what is there stays, and only what changed is made anew."""

import fcntl
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from videogan.config import DataConfig
from videogan.data.cache.clip_cache import open_cache
from videogan.data.cache.kind import note_jpeg_share
from videogan.data.cache.parts import split
from videogan.data.folder import scan_folder
from videogan.data.listing import Listing, Stamp
from videogan.files import write_derived
from videogan.video import VideoReader, VideoWriter

FILL = """
import os, signal, sys
from videogan.config import DataConfig
from videogan.data.cache.clip_cache import open_cache
from videogan.data.folder import scan_folder
folder = scan_folder(sys.argv[1], cache_dir=sys.argv[2])
def tell(done, total):
    print(total, flush=True)
    if done == 2:
        os.kill(os.getpid(), signal.SIGKILL)
open_cache(folder, DataConfig(cache_dir=sys.argv[2]), progress=tell, part_videos=1)
"""


@pytest.fixture
def fill(labelled, tmp_path):
    """Open the cache in parts of one video; also return how many were decoded."""

    def open_it(part_videos=1, **settings):
        data = DataConfig(cache_dir=str(tmp_path / "cache"), **settings)
        told = []
        folder = scan_folder(labelled, cache_dir=data.cache_dir)
        cache = open_cache(folder, data, progress=lambda done, _: told.append(done), part_videos=part_videos)
        return cache, len(told)

    return open_it


def files(tmp_path, pattern):
    return {path: path.stat().st_ino for path in (tmp_path / "cache" / "clips").glob(f"*/{pattern}")}


def listing_of(names):
    listing = Listing()
    for name in names:
        listing.add(name, None, Stamp(100_000, 5))
    return listing.finish()


def test_a_file_more_or_less_changes_one_part():
    names = [f"class{n % 7}/{n:05d}.mp4" for n in range(1_200)] + [f"{n}.mp4" for n in range(300)]

    def parts(names):
        listing = listing_of(names)
        every = listing.every_name()
        return {part.name: frozenset(every[row] for row in part.rows) for part in split(listing, 64)}

    before = parts(names)
    assert sum(map(len, before.values())) == len(frozenset().union(*before.values())) == 1_500
    assert max(map(len, before.values())) <= 64
    assert len(before) < 1_500 / 16
    for more in range(20):
        after = parts([*names[:700], f"class3/more-{more}.mp4", *names[700:]])
        assert len(set(before.items()) - set(after.items())) == 1
        assert len(set(after.items()) - set(before.items())) <= 2


def test_large_files_make_smaller_parts():
    listing = listing_of([f"{n}.mp4" for n in range(20)])
    listing.rows["size"] = 1 << 30
    assert {len(part.rows) for part in split(listing)} == {1, 2}


def test_only_the_part_of_a_new_clip_is_filled(fill, labelled, make_video, tmp_path):
    assert fill(part_videos=2)[1] == 4
    before = files(tmp_path, "*.bin")
    make_video(labelled / "a" / "1b.mp4", 9, seed=9)
    cache, decoded = fill(part_videos=2)
    assert 1 <= decoded <= 3
    assert len(before.items() & files(tmp_path, "*.bin").items()) == len(before) - 1
    with VideoReader(labelled / "a" / "1b.mp4", size=(32, 32)) as reader:
        out = np.empty((9, 32, 32, 3), np.uint8)
        cache.read(2, range(9), out)
        np.testing.assert_array_equal(out, np.stack(list(reader.frames())))


def test_what_was_there_of_a_part_goes_when_its_successor_is_whole(fill, labelled, make_video, tmp_path):
    fill(part_videos=8)
    (old,) = files(tmp_path, "*.bin")
    make_video(labelled / "a" / "1.mp4", 9, seed=9)
    assert fill(part_videos=8)[1] == 4
    assert old not in files(tmp_path, "*.bin") and len(files(tmp_path, "*.bin")) == 1


@pytest.mark.parametrize("kills", [3, pytest.param(10, marks=pytest.mark.slow)])
def test_a_fill_that_is_killed_again_and_again_ends(labelled, fill, make_video, tmp_path, kills):
    for number in range(kills - 3):
        make_video(labelled / "b" / f"more-{number}.mp4", seed=number)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path) + os.pathsep + "."}
    command = [sys.executable, "-c", FILL, str(labelled), str(tmp_path / "cache")]
    for missing in range(kills + 1, 1, -1):
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == -signal.SIGKILL
        assert done.stdout.split() == [str(missing)] * 2
    assert files(tmp_path, "*.part")
    cache, decoded = fill()
    assert (len(cache.videos), decoded) == (kills + 1, 1)
    assert not files(tmp_path, "*.part")


def test_a_part_that_another_process_fills_is_left_to_it_and_waited_for(fill, tmp_path, caplog):
    fill()
    lock = next(path for path in files(tmp_path, "*.lock") if path.name != "lock")
    for path in files(tmp_path, "*.columns"):
        path.unlink()
    told = threading.Event()
    decoded = []
    with lock.open("a") as held, caplog.at_level(logging.INFO):
        fcntl.flock(held, fcntl.LOCK_EX)
        thread = threading.Thread(target=lambda: (decoded.append(fill()[1]), told.set()))
        thread.start()
        while "waiting for another process" not in caplog.text:
            assert not told.wait(0.01)
        assert len(files(tmp_path, "*.columns")) == 3
    thread.join()
    assert decoded == [4]


def test_damage_costs_one_part(fill, tmp_path, caplog):
    fill()
    path = next(iter(files(tmp_path, "*.bin")))
    data = bytearray(path.read_bytes())
    data[99] ^= 255
    path.write_bytes(data)
    assert fill()[1] == len(files(tmp_path, path.name)) == 1
    assert "is damaged" in caplog.text


def test_the_limit_is_kept_where_jpegs_turn_out_larger_than_expected(fill, tmp_path, caplog):
    fill(cache_limit_gb=1e-9)
    (home,) = (tmp_path / "cache" / "clips").iterdir()
    note_jpeg_share(home, 0.01)
    cache, _ = fill(cache_limit_gb=1e-5)
    assert cache.kind == "stream"
    assert "JPEGs take" in caplog.text
    assert sum(path.stat().st_size for path in files(tmp_path, "*.bin")) == 0
    assert fill(cache_limit_gb=1e-5)[1] == 0


def test_without_a_limit_the_cache_follows_the_free_disk_and_stays_what_it_is(fill, monkeypatch):
    def free(count):
        monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**12, 0, count))

    free(300_000)
    cache, decoded = fill()
    assert (cache.kind, decoded) == ("jpeg", 4)
    free(10**12)
    assert fill()[1] == 0
    free(1_000)
    cache, decoded = fill()
    assert (cache.kind, decoded) == ("jpeg", 0)


def test_frames_that_probing_decodes_fill_the_cache(labelled, tmp_path, cached, read_all):
    (labelled / "b" / "broken.mp4").write_bytes((labelled / "b" / "0.mp4").read_bytes()[:4_000])
    for rate in (None, 12.5):
        data = DataConfig(cache_dir=str(tmp_path / f"fed-{rate}"), frame_rate=rate)
        folder = scan_folder(labelled, cache_dir=data.cache_dir, frames=data)
        decoded = []
        fed = open_cache(folder, data, progress=lambda done, _, told=decoded: told.append(done))
        assert decoded == []
        twice = cached(labelled, frame_rate=rate)
        assert fed.rejected == twice.rejected
        assert [video.path for video in fed.videos] == [video.path for video in twice.videos]
        for number in range(len(twice.videos)):
            np.testing.assert_array_equal(read_all(fed, number), read_all(twice, number))


def test_frames_that_probing_decodes_are_kept_as_jpegs_where_raw_ones_do_not_fit(labelled, tmp_path, cached, read_all):
    settings = {"cache_limit_gb": 1.5e-4}
    data = DataConfig(cache_dir=str(tmp_path / "fed"), **settings)
    folder = scan_folder(labelled, cache_dir=data.cache_dir, frames=data)
    decoded = []
    fed = open_cache(folder, data, progress=lambda done, _: decoded.append(done))
    assert (fed.kind, decoded) == ("jpeg", [])
    later = cached(labelled, **settings)
    assert later.kind == "jpeg"
    for number in range(len(later.videos)):
        np.testing.assert_array_equal(read_all(fed, number), read_all(later, number))


def test_a_cache_of_an_earlier_version_is_removed_and_nothing_else(fill, tmp_path):
    fill()
    (home,) = (tmp_path / "cache" / "clips").iterdir()
    (home / "frames-0123456789abcdef.bin").write_bytes(b"old")
    (home / "index.json").write_text("{}")
    fill()
    assert (home / "frames-0123456789abcdef.bin").exists()
    write_derived(home / "index.json", {"content": "0123456789abcdef"})
    fill()
    assert not list(home.glob("frames-*")) and not (home / "index.json").exists()


def test_a_long_video_is_listed_once(tmp_path: Path, cached, monkeypatch):
    (tmp_path / "clips").mkdir()
    frames = np.random.default_rng(0).integers(0, 255, (1_100, 8, 8, 3), np.uint8).repeat(4, 1).repeat(4, 2)
    with VideoWriter(tmp_path / "clips" / "long.mp4") as writer:
        writer.write(frames)
    cached(tmp_path / "clips", cache_limit_gb=1e-9).close()
    whole = cached(tmp_path / "clips", cache_limit_gb=1e-9)
    monkeypatch.delattr("videogan.video.source.list_packets")
    out = np.empty((4, 32, 32, 3), np.uint8)
    whole.read(0, range(1_000, 1_004), out)
    assert np.abs(out.astype(int) - frames[1_000:1_004]).mean() < 30
