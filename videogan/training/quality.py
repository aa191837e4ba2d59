"""Evaluation while training: the kernel distance of samples to training clips, and which step had the lowest."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from videogan.config import Config
from videogan.data.loader import ClipLoader
from videogan.data.transforms import to_model
from videogan.generation.sampling import stream, take
from videogan.metrics.features import load_features
from videogan.metrics.kernel import kernel_distance
from videogan.models.generator import Generator

KEY = "kernel_distance"


class Quality:
    """Measures a generator against ``evaluate.clips`` training clips; what is drawn depends on the config only.

    Raises:
        UsageError: the features are not installed.
    """

    def __init__(self, config: Config, loader: ClipLoader, device: torch.device) -> None:
        self._config, self._loader = config, loader
        self._net = load_features(config.evaluate.features, device=device)
        self._real: Tensor | None = None
        self._labels: list[Tensor | None] = []

    def due(self, before: int, step: int) -> bool:
        """Tell whether a multiple of ``evaluate.every`` lies after step ``before`` and not after ``step``."""
        every = self._config.evaluate.every
        return step // every > before // every

    def row(self, generator: Generator) -> dict[str, float]:
        """Return the figures for metrics.jsonl; the samples are of seeds 0 and up, with the real clips' labels."""
        real = self._real_features()
        device = next(generator.parameters()).device
        fake = []
        for number, labels in enumerate(self._labels):
            seeds = range(number * self._loader.batch_size, (number + 1) * self._loader.batch_size)
            on_device = None if labels is None else labels.to(device)
            clips = take(stream(generator, seeds, on_device), self._config.data.num_frames)
            fake.append(self._net(torch.cat(list(clips), dim=1)))
        return {KEY: kernel_distance(real, torch.cat(fake))}

    def _real_features(self) -> Tensor:
        if self._real is None:
            parts = []
            for number in range(-(-self._config.evaluate.clips // self._loader.batch_size)):
                batch = self._loader.batch(number)
                parts.append(self._net(to_model(batch.frames)))
                self._labels.append(batch.labels)
            self._real = torch.cat(parts)
        return self._real


def best_step(rows: Iterable[Mapping[str, float]]) -> tuple[int, float] | None:
    """Return the step with the lowest kernel distance in rows of metrics.jsonl, with that distance, or None."""
    judged = [(row[KEY], int(row["step"])) for row in rows if KEY in row]
    if not judged:
        return None
    value, step = min(judged)
    return step, value
