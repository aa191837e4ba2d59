"""Half-written files: those of a process that was killed go, all others stay."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from videogan.parts import abandoned_parts, hold_part, part_of
from videogan.video.writer import VideoWriter, remove_abandoned

WRITES = """
import sys, numpy as np
from videogan.video import VideoWriter
writer = VideoWriter(sys.argv[1])
while True:
    writer.write(np.zeros((8, 32, 32, 3), np.uint8))
    print("on", flush=True)
"""


@pytest.mark.parametrize("name", ["a.mp4", "frames"])
def test_what_a_killed_writer_left_goes_with_the_next_one(tmp_path, name):
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-c", WRITES, str(tmp_path / name)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    process.stdout.readline()
    part = tmp_path / f"{name}.{process.pid}.part"
    assert part.exists()
    remove_abandoned(tmp_path / name)
    assert part.exists(), "its process lives"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    remove_abandoned(tmp_path / name)
    assert not part.exists()


def test_files_of_others_stay(tmp_path, dead_process):
    names = [f"b.mp4.{dead_process}.part", "a.mp4.part", "a.mp4.x.part", f"a.mp4.{os.getpid()}.part", "a.mp4"]
    for name in names:
        (tmp_path / name).write_bytes(b"mine")
    folder = tmp_path / f"frames.{dead_process}.part"
    folder.mkdir()
    (folder / "notes.txt").touch()
    for name in ("a.mp4", "frames"):
        remove_abandoned(tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names, folder.name])


def test_a_writer_elsewhere_holds_its_part(tmp_path, dead_process):
    """A process of another container has a number that nobody has here; its lock on the shared disk tells."""
    part = tmp_path / f"a.mp4.{dead_process}.part"
    part.touch()
    held = hold_part(part)
    assert abandoned_parts(tmp_path / "a.mp4") == []
    os.close(held)
    assert abandoned_parts(tmp_path / "a.mp4") == [part]


def test_a_writer_lets_go_of_its_lock(tmp_path):
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.iterdir()))
    for number in range(3):
        with VideoWriter(tmp_path / f"{number}.png") as writer:
            writer.write(np.zeros((2, 8, 8, 3), np.uint8))
        VideoWriter(tmp_path / "x.mp4").discard()
    assert len(list(descriptors.iterdir())) == before


def test_a_name_that_was_shortened_for_its_part_is_known_by_it(tmp_path, dead_process):
    long = tmp_path / ("x" * 255)
    part = part_of(long, dead_process)
    part.write_bytes(b"half")
    assert len(part.name) == 255
    assert abandoned_parts(long) == [part]
    assert abandoned_parts(tmp_path / ("x" * 200)) == []
