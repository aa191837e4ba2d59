"""Writing without room: one clear line, and nothing left behind. The limit on file sizes plays the full disk."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from videogan.video import VideoWriter
from videogan.video.writer import OUTPUT_SUFFIXES

REPOSITORY = Path(__file__).parents[2]

CODE = """
import resource, sys
import numpy as np
from videogan.errors import VideoganError
from videogan.video import VideoWriter
path, limit = sys.argv[1], int(sys.argv[2])
frames = np.random.default_rng(0).integers(0, 256, (12, 64, 64, 3), np.uint8)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    with VideoWriter(path) as writer:
        writer.write(frames)
except VideoganError as error:
    message = str(error)
sys.exit(0 if "cannot be written" in message and "large" in message and "\\n" not in message else 9)
"""


def size_of(path: Path) -> int:
    files = list(path.iterdir()) if path.is_dir() else [path]
    return max(file.stat().st_size for file in files)


@pytest.mark.parametrize("suffix", [*OUTPUT_SUFFIXES, ""])
def test_no_room(tmp_path: Path, suffix: str) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (12, 64, 64, 3), np.uint8)
    with VideoWriter(tmp_path / f"whole{suffix}") as writer:
        writer.write(frames)
    size = size_of(tmp_path / f"whole{suffix}")
    folder = tmp_path / "full"
    folder.mkdir()
    for limit in (20, size // 2, size - 1):
        command = [sys.executable, "-c", CODE, str(folder / f"a{suffix}"), str(limit)]
        run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
        assert run.returncode == 0, (limit, run.stderr)
        assert run.stderr == ""
        assert list(folder.iterdir()) == []


def test_an_earlier_output_survives_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"precious")
    code = CODE.replace("VideoWriter(path)", "VideoWriter(path, overwrite=True)")
    run = subprocess.run([sys.executable, "-c", code, str(path), "500"], cwd=REPOSITORY, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert path.read_bytes() == b"precious"
    assert [file.name for file in tmp_path.iterdir()] == ["a.mp4"]
