"""A small classifier of clips, trained from nothing on real ones: another judge beside the features of a photo network.

Features that were learnt on photographs notice blur before they notice what is done. This network sees clips at their
own size and learns them shifted, blurred, noisy, brighter and darker, so that what is left to tell classes apart is
what is in the picture and how it moves.
"""

from collections.abc import Sequence
from itertools import pairwise
from statistics import mean

import torch
import torch.nn.functional as F
from einops import rearrange, reduce
from running import Clips
from torch import Tensor, nn
from torchvision.transforms import v2

BATCH, STEPS, RATE = 32, 400, 2e-3
WIDTHS = (32, 64, 128)


class ClipClassifier(nn.Module):
    """Clips ``b t c h w`` in [-1, 1] to logits (b k) of named classes: three 3D convolutions with a stride."""

    def __init__(self, class_names: Sequence[str]) -> None:
        super().__init__()
        self.class_names = tuple(class_names)
        layers: list[nn.Module] = []
        for before, after in pairwise((3, *WIDTHS)):
            stride = (1, 2, 2) if before == 3 else (2, 2, 2)
            layers += [nn.Conv3d(before, after, 3, stride, padding=1, bias=False), nn.BatchNorm3d(after), nn.ReLU()]
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(WIDTHS[-1], len(self.class_names))

    def forward(self, clips: Tensor) -> Tensor:
        """Return class logits (b k)."""
        features = reduce(self.layers(rearrange(clips, "b t c h w -> b c t h w")), "b d t h w -> b d", "mean")
        logits: Tensor = self.head(F.dropout(features, 0.5, self.training))
        return logits

    def labels(self, names: Sequence[str]) -> Tensor:
        """Return the numbers (n) of classes by name."""
        return torch.tensor([self.class_names.index(name) for name in names])


def spoiling(size: int) -> v2.Transform:
    """Return what happens to a clip ``t c h w`` in [0, 1] before it is learnt: one draw a clip, noise aside."""
    return v2.Compose(
        [
            v2.RandomAffine(degrees=5, translate=(0.1, 0.1), scale=(0.85, 1.15), fill=0.5),
            v2.ColorJitter(brightness=0.3, contrast=0.4, saturation=0.4, hue=0.1),
            v2.RandomApply([v2.GaussianBlur(2 * (size // 16) + 1, sigma=(0.01 * size / 32, 1.5 * size / 32))]),
            v2.RandomApply([v2.GaussianNoise(sigma=0.03)]),
        ]
    )


def fit(training: Clips, *, device: torch.device, seed: int = 0, steps: int = STEPS) -> ClipClassifier:
    """Train a classifier on real clips and return it ready to judge; a seed gives the same one on the same device."""
    torch.manual_seed(seed)
    network = ClipClassifier(sorted(set(training.names))).to(device)
    labels = network.labels(training.names).to(device)
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps)
    spoil = spoiling(training.clips.shape[-1])
    for _ in range(steps):
        rows = torch.randint(len(training.clips), (BATCH,))
        batch = torch.stack([spoil(clip * 0.5 + 0.5) for clip in training.clips[rows].to(device)]) * 2 - 1
        loss = F.cross_entropy(network(batch), labels[rows])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
    return network.eval()


@torch.no_grad()
def accuracies(network: ClipClassifier, judged: Clips) -> dict[str, float]:
    """Return for every class that there are clips of the share of them that is recognised, and their ``mean``."""
    device = network.head.weight.device
    predictions = torch.cat([network(part.to(device)).argmax(dim=1).cpu() for part in judged.clips.split(BATCH)])
    labels = network.labels(judged.names)
    right = {
        name: float((predictions[labels == number] == number).float().mean())
        for number, name in enumerate(network.class_names)
        if (labels == number).any()
    }
    return {**right, "mean": mean(right.values())}
