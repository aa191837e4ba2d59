import os
import subprocess
import sys
import threading

import pytest

from videogan.errors import UsageError
from videogan.files import (
    file_lock,
    map_in_threads,
    open_for_append,
    read_json,
    usable_cores,
    write_bytes,
    write_json,
    write_text,
)


def test_text_is_replaced(tmp_path):
    path = tmp_path / "a.json"
    for text in ("one", "zwei ü\n"):
        write_text(path, text)
        assert path.read_text(encoding="utf-8") == text
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_keeps_the_earlier_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "a.json"
    write_text(path, "precious")
    (tmp_path / f"a.json.{os.getpid()}.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space"):
        write_text(path, "lost")
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]


def test_bytes_are_written_as_they_are(tmp_path):
    path = tmp_path / "a.bin"
    write_bytes(path, b"\x00\r\n\xff")
    assert path.read_bytes() == b"\x00\r\n\xff"
    assert list(tmp_path.iterdir()) == [path]


def test_json_comes_back_and_damaged_json_is_none(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"ü": [1, None]})
    assert read_json(path) == {"ü": [1, None]}
    for damaged in (b"{", b"\xff", b"[" * 100_000):
        path.write_bytes(damaged)
        assert read_json(path) is None
    assert read_json(tmp_path / "absent.json") is None


def test_what_is_appended_follows_what_was_there(tmp_path):
    path = tmp_path / "log.txt"
    for text in ("one\n", "two\n"):
        with open_for_append(path) as file:
            file.write(text)
    assert path.read_text() == "one\ntwo\n"


@pytest.mark.parametrize("open_it", [open_for_append, lambda path: file_lock(path).__enter__()])
def test_a_link_is_not_followed_for_writing(tmp_path, open_it):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / ".lock").symlink_to(victim)
    with pytest.raises(UsageError, match=r"\.lock.*a link"):
        open_it(tmp_path / ".lock")
    assert victim.read_text() == "precious"


def test_a_pipe_or_a_folder_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(UsageError, match=name):
            open_for_append(tmp_path / name)


def test_a_lock_is_held_by_one_and_keeps_what_is_in_the_file(tmp_path):
    path = tmp_path / ".lock"
    path.write_text("a note")
    with file_lock(path):
        with pytest.raises(BlockingIOError), file_lock(path):
            pass
        told = threading.Event()

        def wait() -> None:
            with file_lock(path, on_wait=told.set):
                pass

        waiting = threading.Thread(target=wait)
        waiting.start()
        assert told.wait(60)
        assert waiting.is_alive()
    waiting.join(60)
    assert not waiting.is_alive()
    assert path.read_text() == "a note"


def test_work_in_threads_keeps_the_order_and_tells_progress():
    told = []
    assert map_in_threads(lambda x: x * x, range(20), progress=lambda *done: told.append(done)) == [
        x * x for x in range(20)
    ]
    assert told == [(done, 20) for done in range(1, 21)]


def test_a_failure_in_threads_stops_the_others_and_starts_nothing_more():
    stop, begun = threading.Event(), []

    def work(number: int) -> None:
        begun.append(number)
        if number == 0:
            raise OSError("full")
        assert stop.wait(60)

    with pytest.raises(OSError, match="full"):
        map_in_threads(work, range(1000), stop=stop)
    assert stop.is_set()
    assert len(begun) < 1000


@pytest.mark.parametrize(
    ("groups", "files", "quota"),
    [
        ("0::/job/step\n", {"job/step/cpu.max": "max 100000", "job/cpu.max": "50000 100000"}, 0.5),
        ("0::/\n", {"cpu.max": "max 100000"}, None),
        ("4:cpu,cpuacct:/a\n0::/\n", {"cpu/a/cpu.cfs_quota_us": "90000", "cpu/a/cpu.cfs_period_us": "100000"}, 0.9),
        ("4:cpu:/a\n", {"cpu/a/cpu.cfs_quota_us": "-1", "cpu/a/cpu.cfs_period_us": "100000"}, None),
        ("nonsense\n", {}, None),
    ],
)
def test_cores_are_those_that_the_process_may_use(groups, files, quota, tmp_path):
    for name, text in {"proc/self/cgroup": groups, **{f"sys/fs/cgroup/{k}": v for k, v in files.items()}}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    pinned = len(os.sched_getaffinity(0))
    assert usable_cores(tmp_path) == (pinned if quota is None else 1)


def test_cores_are_no_more_than_the_process_is_pinned_to():
    one = next(iter(os.sched_getaffinity(0)))
    code = f"import os, videogan.files as files; os.sched_setaffinity(0, [{one}]); print(files.usable_cores())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"1\n"
