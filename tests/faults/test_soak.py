"""Six minutes of training with all that a tick leaves behind: memory and open files stay as they were."""

import gc
from pathlib import Path

import pytest
import torch
from tiny_run import TINY

import videogan
from videogan.presets import parse_setting

MINUTES = 6


def memory_and_files() -> tuple[float, int]:
    """Resident memory of this process in MiB, and how many files it has open."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20, len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.slow
@pytest.mark.timeout(MINUTES * 60 + 300)
def test_memory_and_open_files_stay_flat(tmp_path):
    torch.set_num_threads(1)
    videogan.prepare("moving-shapes", tmp_path / "clips", count=12, size=32)
    looks = []
    changes = ["train.tick_steps=10", "evaluate.every=50", "evaluate.features=pixels-16", "evaluate.clips=16"]
    settings = dict(map(parse_setting, [*TINY, *changes, f"data.cache_dir={tmp_path}/cache"]))

    def look(row):
        gc.collect()
        looks.append(memory_and_files())

    videogan.train(
        tmp_path / "clips",
        preset="cpu",
        settings=settings,
        minutes=MINUTES,
        steps=10**6,
        run=tmp_path / "run",
        on_tick=look,
    )
    assert len(looks) >= 20
    quarter = len(looks) // 4
    settled, last = looks[quarter : 2 * quarter], looks[-quarter:]
    print(f"{len(looks)} ticks; MiB and files after a quarter {settled[0]}, at the end {last[-1]}")
    assert max(memory for memory, _ in last) < max(memory for memory, _ in settled) + 20
    assert {files for _, files in last} == {files for _, files in settled}
