"""Evaluation while training: the kernel distance of samples to training clips."""

import torch
from torch import Tensor

from videogan.artifacts.metrics_file import QUALITY
from videogan.config import EvaluateConfig
from videogan.data.loader import ClipLoader
from videogan.generation.sampling import stream, take
from videogan.metrics.distances import kernel_distance
from videogan.metrics.features import load_features
from videogan.models.generator import Generator
from videogan.video import to_float


class Quality:
    """Measures a generator against ``config.clips`` training clips; what is drawn depends on the loader only.

    Raises:
        UsageError: the features are not installed.
    """

    def __init__(self, config: EvaluateConfig, loader: ClipLoader, device: torch.device) -> None:
        self._config, self._loader = config, loader
        self._net = load_features(config.features, device=device)
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
