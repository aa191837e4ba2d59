"""The studio as a process of its own, and something for it to show."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

from videogan.video import VideoWriter

ROOT = Path(__file__).parents[2]
ORIGIN = {"host": "127.0.0.1:8600", "origin": "http://127.0.0.1:8600"}
ARRIVES = "parseFloat(document.getElementById('rate')?.textContent) > 0"
"""That frames come in, as the page shows it."""


@contextmanager
def studio(folder: Path, weights: Path, *options: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A studio that works in a folder, with the address that it prints; it must end well and leave nothing behind."""
    temporary = Path(mkdtemp(dir=folder))
    command = [sys.executable, "-m", "videogan", "studio", weights, *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)}
    with subprocess.Popen(
        [*map(str, command)], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.terminate()
            assert process.wait(60) == 143
    assert not list(temporary.glob("videogan-studio-*"))


def film(path: Path, seed: int) -> Path:
    """A four by four grid of noise that moves."""
    frames = np.random.default_rng(seed).integers(0, 255, (12, 64, 64, 3), np.uint8)
    with VideoWriter(path, frame_rate=25) as writer:
        writer.write(frames)
    return path
