"""Evaluation while training: the kernel distance of samples to training clips."""

import logging
from collections.abc import Iterator
from functools import partial

import numpy as np
import torch
from torch import Tensor

from videogan.artifacts.metrics_file import QUALITY
from videogan.config import EvaluateConfig
from videogan.data.clips import clip_indices, num_clip_starts
from videogan.data.loader import ClipLoader
from videogan.generation.sampling import stream, take
from videogan.metrics.distances import kernel_distance
from videogan.metrics.feature_net import FeatureNet
from videogan.metrics.features import load_features
from videogan.metrics.measure import cache_key
from videogan.metrics.own_features import CLIPS, OwnFeatures
from videogan.metrics.sources import Batch, choose
from videogan.models.generator import Generator
from videogan.video import to_float

_log = logging.getLogger(__name__)


class Quality:
    """Measures a generator against ``config.clips`` training clips; what is drawn depends on the loader only.

    Raises:
        UsageError: the features are not installed.
    """

    def __init__(self, config: EvaluateConfig, loader: ClipLoader, device: torch.device) -> None:
        self._config, self._loader = config, loader
        net = load_features(config.features, device=device)
        self._net = _learnt(net, loader) if isinstance(net, OwnFeatures) else net
        self._real: Tensor | None = None
        self._labels: list[Tensor | None] = []
        self._num_frames = 0

    def due(self, before: int, step: int) -> bool:
        """Tell whether a multiple of ``evaluate.every`` lies after step ``before`` and not after ``step``."""
        return step // self._config.every > before // self._config.every

    def row(self, generator: Generator) -> dict[str, float]:
        """Return the figures for metrics.jsonl; the samples are of seeds 0 and up, with the real clips' labels."""
        real = self._real_features()
        device = next(generator.parameters()).device
        fake = []
        for number, labels in enumerate(self._labels):
            seeds = range(number * self._loader.batch_size, (number + 1) * self._loader.batch_size)
            on_device = None if labels is None else labels.to(device)
            clips = take(stream(generator, seeds, on_device), self._num_frames)
            fake.append(self._net(torch.cat(list(clips), dim=1)))
        return {QUALITY: kernel_distance(real, torch.cat(fake))}

    def _real_features(self) -> Tensor:
        if self._real is None:
            parts = []
            for number in range(-(-self._config.clips // self._loader.batch_size)):
                batch = self._loader.batch(number)
                self._num_frames = batch.frames.shape[1]
                parts.append(self._net(to_float(batch.frames, planar=False)))
                self._labels.append(batch.labels)
            self._real = torch.cat(parts)
        return self._real


def _learnt(own: OwnFeatures, loader: ClipLoader) -> FeatureNet:
    """Return features learnt on the training clips: for a minute, the first time."""
    _log.info("features are learnt on the clips, which takes up to a minute the first time")
    data = loader.data
    rule = data.model_dump(include={"size", "num_frames", "frame_stride", "frame_rate", "fit", "short"})
    key = cache_key(loader.cache.videos, rule)
    return own.learn(partial(_clips, loader, CLIPS), key, cache_dir=data.cache_dir)


def _clips(loader: ClipLoader, count: int) -> Iterator[Batch]:
    """Yield at most ``count`` clips of the cache, one at a time, of the videos in turn."""
    cache, data = loader.cache, loader.data
    lengths = cache.videos.num_frames.tolist()
    starts = [num_clip_starts(length, data.num_frames, data.frame_stride, data.short) for length in lengths]
    for video, start in choose(starts, count, seed=0):
        indices = clip_indices(start, lengths[video], data.num_frames, data.frame_stride, data.short)
        frames = np.empty((data.num_frames, cache.height, cache.width, 3), np.uint8)
        cache.read(video, indices, frames)
        label = cache.videos[video].label
        labels = torch.tensor([-1 if label is None else label])
        yield Batch(to_float(torch.from_numpy(frames))[None], labels, torch.tensor([video]), torch.tensor([0]))
