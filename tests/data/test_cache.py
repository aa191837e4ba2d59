import logging
import os
import signal
import subprocess
import sys
import threading
from fractions import Fraction

import av
import numpy as np
import pytest

from videogan.config import DataConfig
from videogan.data.cache.clip_cache import open_cache
from videogan.data.folder import scan_folder
from videogan.errors import DataError, UsageError, VideoError
from videogan.video import VideoReader, VideoWriter


def frame_files(tmp_path):
    return sorted(file for file in (tmp_path / "cache" / "clips").glob("*/*.*") if file.suffix in (".bin", ".idx"))


def test_raw_frames_are_those_of_the_videos(labelled, cached, read_all):
    cache = cached(labelled)
    assert cache.kind == "raw"
    assert cache.class_names == ("a", "b")
    assert [video.label for video in cache.videos] == [0, 0, 0, 1]
    assert [video.num_frames for video in cache.videos] == [20, 24, 8, 30]
    assert cache.frame_rate == 25
    for number, video in enumerate(cache.videos):
        with VideoReader(video.path, size=(32, 32)) as reader:
            np.testing.assert_array_equal(read_all(cache, number), np.stack(list(reader.frames())))


@pytest.mark.parametrize(("limit_gb", "kind", "tolerance"), [(1, "raw", 0), (2.0e-4, "jpeg", 6), (1e-9, "stream", 0)])
def test_every_kind_gives_the_same_clips(labelled, cached, tmp_path, limit_gb, kind, tolerance):
    cache = cached(labelled, cache_limit_gb=limit_gb)
    assert cache.kind == kind
    for indices in (range(3, 9), [0, 2, 4, 6], [5, 6, 7, 6, 5, 4], [19, 19]):
        got = np.empty((len(indices), 32, 32, 3), np.uint8)
        cache.read(0, indices, got)
        with VideoReader(cache.videos[0].path, size=(32, 32)) as reader:
            expected = np.stack(list(reader.frames()))[list(indices)]
        assert np.abs(got.astype(int) - expected).mean() <= tolerance
    cache.close()


@pytest.mark.parametrize("limit_gb", [1, 2e-4, 1e-9])
def test_target_frame_rate_by_timestamps(labelled, cached, read_all, limit_gb):
    own = cached(labelled, cache_limit_gb=1)
    cache = cached(labelled, frame_rate=12.5, cache_limit_gb=limit_gb)
    assert cache.frame_rate == Fraction(25, 2)
    assert [video.num_frames for video in cache.videos] == [10, 12, 4, 15]
    halved = read_all(own, 0)[::2]
    assert np.abs(read_all(cache, 0).astype(int) - halved).mean() < 6


@pytest.mark.parametrize("fit", ["crop", "letterbox"])
def test_size_and_fit(tmp_path, cached, read_all, fit):
    (tmp_path / "clips").mkdir()
    with VideoWriter(tmp_path / "clips" / "wide.mp4") as writer:
        writer.write(np.full((3, 48, 96, 3), 200, np.uint8))
    frames = read_all(cached(tmp_path / "clips", size=64, fit=fit), 0)
    assert frames.shape == (3, 64, 64, 3)
    assert (frames[:, 20:44] > 190).all()
    assert (frames[:, [0, 12, -12, -1]] < 10).all() == (fit == "letterbox")


def test_a_second_opening_decodes_nothing(labelled, cached, tmp_path):
    cached(labelled)
    (before,) = frame_files(tmp_path)
    inode = before.stat().st_ino
    cached(labelled)
    assert [path.stat().st_ino for path in frame_files(tmp_path)] == [inode]


def test_a_changed_folder_is_cached_anew_and_old_readers_go_on(labelled, cached, tmp_path, make_video, read_all):
    old = cached(labelled)
    expected = read_all(old, 0)
    make_video(labelled / "a" / "0.mp4", 17, seed=40)
    new = cached(labelled)
    assert new.videos[0].num_frames == 17
    assert len(frame_files(tmp_path)) == 1
    np.testing.assert_array_equal(read_all(old, 0), expected)


@pytest.mark.parametrize("fault", ["flip", "cut", "gone", "index", "digit", "table"])
@pytest.mark.parametrize("limit_gb", [1, 2e-4])
def test_damage_is_found_and_mended(labelled, cached, tmp_path, read_all, limit_gb, fault, caplog):
    expected = read_all(cached(labelled, cache_limit_gb=limit_gb), 1)
    path = next(path for path in frame_files(tmp_path) if path.suffix == ".bin")
    index, table = path.with_suffix(".columns"), path.with_suffix(".idx")
    if fault == "table" and not table.exists():
        pytest.skip("raw frames need no table")
    if fault == "flip":
        data = bytearray(path.read_bytes())
        data[-5000] ^= 255
        path.write_bytes(data)
    elif fault == "cut":
        os.truncate(path, 5000)
    elif fault == "gone":
        path.unlink()
    elif fault == "table":  # other videos' frames, each of them whole
        np.fromfile(table, np.int64).reshape(-1, 2)[::-1].tofile(table)
    else:
        columns = bytearray(index.read_bytes())
        columns[-60] ^= 1
        index.write_bytes(b"{" if fault == "index" else columns)
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(read_all(cached(labelled, cache_limit_gb=limit_gb), 1), expected)
    assert fault in ("index", "digit") or "made anew" in caplog.text


def test_a_lost_table_of_jpegs_is_mended(labelled, cached, tmp_path, read_all):
    expected = read_all(cached(labelled, cache_limit_gb=2e-4), 1)
    next(path for path in frame_files(tmp_path) if path.suffix == ".idx").unlink()
    np.testing.assert_array_equal(read_all(cached(labelled, cache_limit_gb=2e-4), 1), expected)


def test_jpegs_that_are_damaged_while_training_are_made_anew_by_the_next_run(labelled, cached, tmp_path, read_all):
    cache = cached(labelled, cache_limit_gb=2e-4)
    expected = read_all(cache, 1)
    path = next(path for path in frame_files(tmp_path) if path.suffix == ".bin")
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(VideoError, match="damaged"):
        read_all(cache, 1)
    np.testing.assert_array_equal(read_all(cached(labelled, cache_limit_gb=2e-4), 1), expected)


def test_a_mix_of_frame_rates_is_told(labelled, cached, make_video, caplog):
    make_video(labelled / "b" / "slow.mp4", frame_rate=12.5)
    assert cached(labelled).frame_rate == 25
    assert "1 of 5 videos have another frame rate than 25" in caplog.text
    caplog.clear()
    assert cached(labelled, frame_rate=12.5).frame_rate == 12.5
    assert caplog.text == ""


def test_a_video_that_fails_while_caching_is_rejected(labelled, tmp_path):
    folder = scan_folder(labelled, cache_dir=tmp_path / "cache")
    (labelled / "a" / "1.mp4").write_bytes(b"overwritten since it was probed")
    (labelled / "b" / "0.mp4").unlink()
    cache = open_cache(folder, DataConfig(cache_dir=str(tmp_path / "cache")))
    assert [path.name for path, _ in cache.rejected] == ["1.mp4", "0.mp4"]
    assert [video.path.name for video in cache.videos] == ["0.mp4", "2.mp4"]
    with pytest.raises(DataError, match="50% of the videos cannot be used"):
        open_cache(folder, DataConfig(cache_dir=str(tmp_path / "cache"), max_bad_share=0.3))


def test_full_disk_is_one_clear_line_and_leaves_nothing(labelled, tmp_path):
    code = (
        "import resource, sys; from videogan.config import DataConfig; from videogan.data.folder import scan_folder;"
        "from videogan.data.cache.clip_cache import open_cache;"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "folder = scan_folder(sys.argv[1], cache_dir=sys.argv[2]);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000));"
        "open_cache(folder, DataConfig(cache_dir=sys.argv[2]))"
    )
    command = [sys.executable, "-c", code, str(labelled), str(tmp_path / "cache")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path) + os.pathsep + "."}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    message = done.stderr.strip().splitlines()[-1]
    assert "UsageError" in message
    assert "no room for the clip cache, which needs 0.000252 GB" in message
    assert "data.cache_dir" in message
    assert frame_files(tmp_path) == []
    assert list((tmp_path / "cache" / "clips").rglob("*.part")) == []


def test_unwritable_cache_folder(labelled, tmp_path):
    (tmp_path / "file").touch()
    folder = scan_folder(labelled, cache_dir=tmp_path / "cache")
    with pytest.raises(UsageError, match="cannot be written"):
        open_cache(folder, DataConfig(cache_dir=str(tmp_path / "file")))


def test_an_interruption_leaves_nothing_half_written(labelled, tmp_path):
    folder = scan_folder(labelled, cache_dir=tmp_path / "cache")

    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_cache(folder, DataConfig(cache_dir=str(tmp_path / "cache")), progress=interrupt)
    names = sorted(path.name for path in (tmp_path / "cache" / "clips").glob("*/*"))
    assert [name for name in names if not name.endswith(".lock")] == ["lock", "source"]


def test_two_runs_at_once_share_one_cache(labelled, tmp_path):
    folder = scan_folder(labelled, cache_dir=tmp_path / "cache")
    data = DataConfig(cache_dir=str(tmp_path / "cache"))
    fills = []
    caches = []

    def run():
        caches.append(open_cache(folder, data, progress=lambda done, total: fills.append(done)))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(caches) == 3
    assert fills == [1, 2, 3, 4]


def test_a_killed_fill_is_begun_again(labelled, tmp_path, cached):
    code = (
        "import os, sys, signal; from videogan.config import DataConfig; from videogan.data.folder import scan_folder;"
        "from videogan.data.cache.clip_cache import open_cache;"
        "open_cache(scan_folder(sys.argv[1], cache_dir=sys.argv[2]), DataConfig(cache_dir=sys.argv[2]),"
        "progress=lambda done, total: os.kill(os.getpid(), signal.SIGKILL))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path) + os.pathsep + "."}
    command = [sys.executable, "-c", code, str(labelled), str(tmp_path / "cache")]
    done = subprocess.run(command, env=environment)
    assert done.returncode == -signal.SIGKILL
    assert list((tmp_path / "cache" / "clips").glob("*/*.part"))
    assert len(cached(labelled).videos) == 4
    assert [path.suffix for path in frame_files(tmp_path)] == [".bin"]
    assert not list((tmp_path / "cache" / "clips").glob("*/*.part"))


@pytest.mark.parametrize("name", ["lock", "source"])
def test_a_link_in_the_cache_does_not_choose_what_is_overwritten(labelled, cached, tmp_path, name):
    cached(labelled).close()
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (path,) = (tmp_path / "cache" / "clips").glob(f"*/{name}")
    path.unlink()
    path.symlink_to(victim)
    next(path.parent.glob("*.columns")).unlink()
    if name == "lock":
        with pytest.raises(UsageError, match=r"lock.*a link"):
            cached(labelled)
    else:
        cached(labelled).close()
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("limit_gb", [1, 2e-4, 1e-9])
def test_a_gap_of_hours_in_time_stamps_makes_no_large_cache(tmp_path, cached, limit_gb):
    path = tmp_path / "clips" / "a.mkv"
    path.parent.mkdir()
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = 32
        stream.codec_context.time_base = Fraction(1, 1000)
        for number in range(24):
            picture = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 9 * number, np.uint8), format="rgb24")
            picture.pts, picture.time_base = 40 * number + 28 * 3_600_000 * (number >= 12), Fraction(1, 1000)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    cache = cached(tmp_path / "clips", frame_rate=25, cache_limit_gb=limit_gb)
    assert cache.videos[0].num_frames == 24
    assert sum(file.stat().st_size for file in frame_files(tmp_path)) <= 24 * 32 * 32 * 3
