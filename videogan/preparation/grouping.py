"""Which clips look alike: classes for clips that have none.

A model without classes divides its codes among scenes by itself, and of scenes that have few clips it makes mixtures
(docs/log.md, 2026-11-28). Liu et al. 2020, "Diverse image generation via self-conditioned GANs", group images by
features of the discriminator, again and again while it learns. Here clips are grouped once, by features of a network
that has learnt photographs, into folders that a user can look at and put right.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from videogan.files import Progress, map_in_threads
from videogan.models.efficientnet import LITE0, load_efficientnet, normalised
from videogan.video import VideoReader, to_float

LOOKS, SIDE = 3, 128
"""Frames of a clip that are looked at, and their height and width."""
UNLIKE = 0.4
"""Groups whose clips have a mean cosine distance above this stay apart: shots of one scene differ by less, scenes by
more (docs/log.md, 2026-11-28)."""
MOST = 64
"""Groups there are at most: of clips that hardly resemble each other each would be a class of its own."""
COMPARED = 2000
"""Clips of which each is compared with each; of more, the rest joins the nearest group of these."""


def group_folder(folder: Path, prefix: str, progress: Progress | None = None) -> list[str]:
    """Move the clips that lie in ``folder`` into sub-folders, ``prefix`` and a number, the largest group first.

    Returns their names. Clips that all look alike stay where they are, and there are none.
    """
    clips = sorted(folder.glob("*.mp4"))
    found = groups(looks(clips, progress)) if len(clips) > 1 else []
    if len(found) < 2:
        return []
    digits = max(2, len(str(len(found))))
    names = [f"{prefix}{number:0{digits}d}" for number in range(1, len(found) + 1)]
    for name, members in zip(names, found, strict=True):
        (folder / name).mkdir()
        for member in members.tolist():
            clips[member].rename(folder / name / clips[member].name)
    return names


def looks(clips: Sequence[Path], progress: Progress | None = None, *, network_name: str = LITE0) -> np.ndarray:
    """Return features ``n d`` of length 1 of what each clip shows, a mean over its first, middle and last frame."""
    network, _ = load_efficientnet(network_name)

    def one(clip: Path) -> np.ndarray:
        with VideoReader(clip, size=(SIDE, SIDE)) as reader:
            frames = reader.read(np.linspace(0, len(reader) - 1, LOOKS).round().astype(int).tolist())
        with torch.inference_mode():
            seen = network.extract_features(normalised(to_float(torch.from_numpy(frames)))).mean(dim=(0, 2, 3))
        return np.asarray(seen / seen.norm())

    return np.stack(map_in_threads(one, clips, progress=progress))


def groups(features: np.ndarray) -> list[np.ndarray]:
    """Return the numbers of the clips of each group, the largest group first, of features ``n d`` of length 1.

    Agglomerative, by the mean distance between the members of two groups; where that leaves too many groups, as clips
    hardly resemble each other, by Ward's criterion, which makes groups of like size.
    """
    from sklearn.cluster import AgglomerativeClustering

    if len(features) < 2:
        return [np.arange(len(features))]
    compared = np.unique(np.linspace(0, len(features) - 1, COMPARED).round().astype(int))
    chosen = features[compared]
    apart = AgglomerativeClustering(n_clusters=None, distance_threshold=UNLIKE, metric="cosine", linkage="average")
    labels = apart.fit_predict(chosen)
    if labels.max() >= MOST:
        labels = AgglomerativeClustering(n_clusters=MOST, linkage="ward").fit_predict(chosen)
    means = np.stack([chosen[labels == label].mean(axis=0) for label in range(labels.max() + 1)])
    nearest = (features @ means.T / np.linalg.norm(means, axis=1)).argmax(axis=1)
    nearest[compared] = labels
    members = [np.flatnonzero(nearest == label) for label in range(len(means))]
    return sorted(members, key=lambda numbers: (-len(numbers), numbers[0]))
