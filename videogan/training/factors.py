"""What samples differ by, at every tick: does the class matter, does each code, are they as sharp as real clips?

Measured on a small balanced design of the averaged generator: some classes, content noises and motion noises, each with
each, the same in the whole run.
"""

from collections.abc import Mapping

import torch
from einops import rearrange, repeat
from torch import Tensor

from videogan.data.loader import ClipLoader
from videogan.metrics.motion import motion_energy
from videogan.metrics.spectrum import sharpness
from videogan.metrics.variety import factor_shares, variance_of_pairs, variance_within_classes
from videogan.models.generator import Generator
from videogan.models.latents import Latents
from videogan.video import to_float

CLASSES, CONTENTS, MOTIONS, FRAMES = 4, 8, 2, 8
"""How many of each there are in the design, and frames in each video, at most."""
REAL_CLIPS = 64
WARNINGS = {
    "class_share": (0.01, "the class hardly matters: it decides {:.1%} of what samples differ by"),
    "content_share": (0.05, "the content code hardly matters: it decides {:.1%} of what samples differ by"),
    "motion_share": (0.01, "the motion noise hardly matters: it decides {:.1%} of what samples differ by"),
    "tick_motion_energy": (0.1, "samples nearly stand still: their frames change by {:.1%} of what real ones do"),
}
"""Below which value of a figure a warning is given, and its words."""


class Factors:
    """Measures a generator beside the clips of a training's first batches."""

    def __init__(self, loader: ClipLoader) -> None:
        batches = [loader.batch(number) for number in range(-(-REAL_CLIPS // loader.batch_size))]
        clips = torch.cat([to_float(batch.frames) for batch in batches])[:, :FRAMES]
        labels = torch.cat([torch.zeros(len(b.frames)) if b.labels is None else b.labels for b in batches])
        self._num_frames = clips.shape[1]
        self._real = {
            "tick_sharpness": float(sharpness(clips).mean()),
            "tick_variance_within_class": variance_within_classes(clips, labels),
            "tick_variance_of_mean_frames": variance_within_classes(clips.mean(dim=1), labels),
            "tick_motion_energy": float(motion_energy(clips).mean()),
        }
        self._warned: set[str] = set()

    def row(self, generator: Generator) -> dict[str, float]:
        """Return the figures for metrics.jsonl: each factor's share, and, named ``tick_``, ratios to real clips."""
        videos = design(generator, self._num_frames)
        flat = rearrange(videos, "k c m ... -> (k c m) ...")
        fake = {
            "tick_sharpness": float(sharpness(flat).mean()),
            "tick_variance_within_class": variance_of_pairs(videos),
            "tick_variance_of_mean_frames": variance_of_pairs(videos.mean(dim=3)),
            "tick_motion_energy": float(motion_energy(flat).mean()),
        }
        parts = factor_shares(rearrange(videos, "k c m ... -> k c m (...)"))
        shares = dict(zip(("class_share", "content_share", "motion_share"), parts, strict=True))
        if not generator.num_classes:
            del shares["class_share"]
        # Of a real set without motion, or of one clip a class, there is nothing to be a ratio of.
        return shares | {name: value / self._real[name] for name, value in fake.items() if self._real[name] > 0}

    def warnings(self, row: Mapping[str, float]) -> list[str]:
        """Return in words what has sunk below its bound since the last row, and forget what has risen again."""
        low = {name for name, (least, _) in WARNINGS.items() if row.get(name, least) < least}
        new, self._warned = low - self._warned, low
        return [words.format(row[name]) for name, (_, words) in WARNINGS.items() if name in new]


@torch.inference_mode()
def design(generator: Generator, num_frames: int) -> Tensor:
    """Return videos ``k c m t c h w`` on the CPU: every class with every content noise and every motion noise."""
    source = torch.Generator().manual_seed(0)
    steps = 1 + generator.burn_in + generator.context_steps + num_frames // generator.frames_per_step
    content = torch.randn(CONTENTS, generator.content_dim, generator=source)
    motion = torch.randn(MOTIONS, steps, generator.noise_dim, generator=source)
    content, motion = repeat(content, "c d -> (c m) d", m=MOTIONS), repeat(motion, "m s n -> (c m) s n", c=CONTENTS)
    device, classes = next(generator.parameters()).device, min(CLASSES, generator.num_classes)
    labels: list[Tensor | None] = [None]
    if classes:
        labels = [torch.full((len(content),), k * generator.num_classes // classes) for k in range(classes)]
    # Class by class: no more memory than a small batch.
    videos = [
        generator(Latents(content, motion, label).to(device), burn_in=generator.burn_in).frames.clamp(-1, 1).cpu()
        for label in labels
    ]
    return rearrange(torch.stack(videos), "k (c m) ... -> k c m ...", m=MOTIONS)
