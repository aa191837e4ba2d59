"""All metrics of a generated set against a real one: values, what two halves of the real set give, and warnings."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from videogan.errors import DataError, UsageError, did_you_mean
from videogan.metrics.distances import bootstrap, frechet_distance, kernel_distance
from videogan.metrics.diversity import (
    class_accuracy,
    copied_share,
    duplicate_share,
    nearest,
    pairwise_distance,
    precision_recall_density_coverage,
)
from videogan.metrics.feature_net import FeatureNet
from videogan.metrics.measure import Measured
from videogan.metrics.motion import ArrowOfTime, content_drift, long_drift
from videogan.metrics.paired import PairMetric, psnr, ssim
from videogan.metrics.report import Row, Rows
from videogan.metrics.variety import class_share, variance_within_classes

NEIGHBOURS = 5
DUPLICATE = 0.1
"""Clips nearer than this share of the real set's mean distance between clips count as the same."""
LATE = 1000
"""First frame of the window that long videos are judged by."""
LONG_VIDEOS = 32
PAIR_GOALS = {"psnr": "high, dB", "ssim": "high", "lpips": "low"}


@dataclass(frozen=True)
class Sets:
    """What the metrics look at; labels of both sets are numbers of ``class_names``.

    ``late`` measures later frames of the first videos of the generated set, of a model only; ``pairs`` are clips
    (2 t c h w), real and generated, of videos of one name, of folders only.
    """

    real: Measured
    fake: Measured
    halves: tuple[Measured, Measured]
    net: FeatureNet
    class_names: tuple[str, ...]
    seed: int
    late: Callable[[], Measured] | None = None
    pairs: Iterable[Tensor] = ()
    lpips: PairMetric | None = None


def choose_metrics(names: Sequence[str] | None, *, has_model: bool) -> tuple[str, ...]:
    """Return the names of the metrics to run; None is all that need nothing but the two sets.

    Raises:
        UsageError: there is no such metric, or it needs what is not given.
    """
    if names is None:
        return tuple(name for name in METRICS if name != "paired" and (name != "long" or has_model))
    for name in names:
        if name not in METRICS:
            raise UsageError(f"no metric is called {name!r}{did_you_mean(name, METRICS)}; known: {', '.join(METRICS)}")
        if name == "long" and not has_model:
            raise UsageError("the metric long needs a model; leave out --generated, or that metric")
        if name == "paired" and has_model:
            raise UsageError("the metric paired needs videos of the same names as the real ones, by --generated")
    return tuple(names)


def run_metrics(sets: Sets, metrics: Sequence[str]) -> tuple[Rows, list[str]]:
    """Return the rows of the named metrics, and warnings.

    A metric that the sets are too small for is left out with a warning.
    """
    rows: Rows = {}
    warnings: list[str] = []
    for name in metrics:
        try:
            rows |= METRICS[name](sets)
        except DataError as error:
            warnings.append(f"{name} is left out: {error}")
    fewest, dim = min(len(sets.real), len(sets.fake)), sets.net.dim
    if "frechet" in metrics and fewest <= dim:
        warnings.append(
            f"frechet: {fewest} clips are too few for {dim} dimensions, the value is too high; it needs {dim + 1} of "
            "each set (the kernel distance has no such bias)"
        )
    return rows, warnings


def concerns(sets: Sets, clips: int) -> list[str]:
    """Say in words what of the sets, of which so many ``clips`` were asked for, makes their figures say less."""
    parts = (("real", sets.real), ("generated", sets.fake))
    texts = [
        f"the {name} set has {len(part)} clips, not the {clips} that were asked for"
        for name, part in parts
        if len(part) < clips
    ]
    if len(sets.real.groups.unique()) == 1:
        texts.append("all real clips are of one video: figures say how near it is, and nothing of other videos")
    return texts


def match_labels(fake: Measured, fake_names: Sequence[str], real_names: Sequence[str]) -> Measured:
    """Return the generated set with its labels in the numbers of the real classes, -1 where there is no such class."""
    number = {name: index for index, name in enumerate(real_names)}
    table = torch.tensor([*(number.get(name, -1) for name in fake_names), -1])
    return replace(fake, labels=table[fake.labels])


def _kernel(sets: Sets) -> Rows:
    real, fake = sets.real.features, sets.fake.features
    interval = bootstrap(kernel_distance, real, fake, resamples=200, seed=sets.seed)
    floor = kernel_distance(sets.halves[0].features, sets.halves[1].features)
    return {"kernel_distance": Row(kernel_distance(real, fake), floor, "low", interval)}


def _frechet(sets: Sets) -> Rows:
    ddof = int(sets.net.protocol["ddof"])
    value = frechet_distance(sets.real.features, sets.fake.features, ddof=ddof)
    floor = frechet_distance(sets.halves[0].features, sets.halves[1].features, ddof=ddof)
    return {sets.net.protocol["frechet"]: Row(value, floor, "low")}


def _precision(sets: Sets) -> Rows:
    real, fake, first, second = (_shown(part, sets.net) for part in (sets.real, sets.fake, *sets.halves))
    values = precision_recall_density_coverage(real, fake, NEIGHBOURS)
    floors = {}
    if min(len(first), len(second)) > NEIGHBOURS:
        floors = precision_recall_density_coverage(first, second, NEIGHBOURS)
    return {name: Row(value, floors.get(name), "high") for name, value in values.items()}


def _shown(measured: Measured, net: FeatureNet) -> Tensor:
    """Features (n d) of what clips show and how they move, their sharpness aside: all clips are far from soft ones."""
    return torch.cat([*net.split(measured.features).values()], dim=1)


def _classes(sets: Sets) -> Rows:
    real, fake = (part.part((part.labels >= 0).nonzero()[:, 0]) for part in (sets.real, sets.fake))
    if not len(real) or not len(fake):
        raise DataError("one of the sets has no classes; put each class into its own folder, of the same names")
    halves = [part.part((part.labels >= 0).nonzero()[:, 0]) for part in sets.halves]
    count = len(sets.class_names)
    known, told, first, others = (_shown(part, sets.net) for part in (real, fake, *halves))
    values = class_accuracy(known, real.labels, told, fake.labels, count)
    floors: dict[str, float] = {}
    if len(halves[0].labels.unique()) > 1 and len(halves[1]):
        floors = class_accuracy(first, halves[0].labels, others, halves[1].labels, count)
    titles = {str(number): f"class_accuracy_{name}" for number, name in enumerate(sets.class_names)}
    return {
        titles.get(key, f"class_accuracy_{key}"): Row(value, floors.get(key), "high") for key, value in values.items()
    }


def _diversity(sets: Sets) -> Rows:
    # Two clips of one video are alike without being duplicates.
    firsts = (np.sort(np.unique(part.groups, return_index=True)[1]) for part in (sets.real, sets.fake))
    real, fake = (part.features[first] for part, first in zip((sets.real, sets.fake), firsts, strict=True))
    distance = pairwise_distance(real)
    near = DUPLICATE * distance
    return {
        "pairwise_distance": Row(pairwise_distance(fake), distance, "as the real set"),
        "duplicate_share": Row(duplicate_share(fake, near), duplicate_share(real, near), "as the real set"),
    }


def _novelty(sets: Sets) -> Rows:
    """How far clips are from the nearest real one, in content and in motion apart where the features tell them apart.

    Beside it, how far one half of the real clips is from the other, which no model has copied.
    """
    first, second = sets.halves
    distances, unseen = _nearest(sets.fake, sets.real, sets.net), _nearest(second, first, sets.net)
    rows = {
        f"novelty_{name}".rstrip("_"): Row(
            float(own.median()), float(unseen[name].median()), "as the real set; 0: copies"
        )
        for name, own in distances.items()
    }
    known, floor = [*distances.values()], [*unseen.values()]
    return {**rows, "copied_share": Row(copied_share(known, floor), copied_share(floor, floor), "as the real set")}


def _nearest(fake: Measured, real: Measured, net: FeatureNet) -> dict[str, Tensor]:
    """The distance (n) of each clip to its nearest real one, by content and by motion."""
    others = net.split(real.features)
    return {name: nearest(part, others[name])[0] for name, part in net.split(fake.features).items()}


def _variety(sets: Sets) -> Rows:
    """What clips of a class differ by, how much of their colour the class decides, and how sharp they are."""
    values, colours, sharp, labels = zip(
        *(_described(part) for part in (sets.real, sets.fake, *sets.halves)), strict=True
    )
    whole = [variance_within_classes(clips, own) for clips, own in zip(values, labels, strict=True)]
    still = [variance_within_classes(clips.mean(dim=1), own) for clips, own in zip(values, labels, strict=True)]
    shares = [class_share(colour, own) for colour, own in zip(colours, labels, strict=True)]
    return {
        "sharpness_ratio": _ratio(sharp, "near 1"),
        "variance_within_class_ratio": _ratio(whole, "near 1"),
        "variance_within_class_of_mean_frames_ratio": _ratio(still, "near 1"),
        "class_share_of_colour": Row(shares[1], shares[0], "as the real set"),
    }


def _described(measured: Measured) -> tuple[Tensor, Tensor, float, Tensor]:
    thumbnails = measured.thumbnails
    return thumbnails, thumbnails.mean(dim=(1, 3, 4)), float(measured.sharpness.mean()), measured.labels


def _ratio(values: Sequence[float], goal: str) -> Row:
    """Of real, generated, and the two halves."""
    real, fake, first, second = (max(value, 1e-12) for value in values)
    return Row(fake / real, second / first, goal)


def _motion(sets: Sets) -> Rows:
    real, fake, (first, second) = sets.real, sets.fake, sets.halves
    energy = real.energy.mean().clamp_min(1e-12)
    arrow = ArrowOfTime().fit(first.thumbnails)
    return {
        "motion_energy_ratio": Row(
            float(fake.energy.mean() / energy),
            float(second.energy.mean() / first.energy.mean().clamp_min(1e-12)),
            "near 1",
        ),
        "frozen_frame_share": Row(float(fake.frozen.mean()), float(real.frozen.mean()), "as the real set"),
        "arrow_of_time": Row(arrow.accuracy(fake.thumbnails), arrow.accuracy(second.thumbnails), "as the real set"),
        "content_drift": Row(content_drift(fake.thumbnails), content_drift(real.thumbnails), "as the real set"),
    }


def _long(sets: Sets) -> Rows:
    """What becomes of long videos.

    Kernel distance to the real set and motion energy beside the real one's, of first and of late frames; the late
    distance over the first one; and how far content goes.
    """
    if sets.late is None:
        raise DataError("only a model makes videos as long as that")
    late = sets.late()
    early = sets.fake.part(late.indices)
    first_half, second_half = sets.halves
    floor = kernel_distance(first_half.features, second_half.features)
    num_frames = sets.real.thumbnails.shape[1]
    energy = sets.real.energy.mean().clamp_min(1e-12)
    moving = float(second_half.energy.mean() / first_half.energy.mean().clamp_min(1e-12))
    distances = [kernel_distance(sets.real.features, part.features) for part in (early, late)]
    rows = {}
    for first_frame, part, distance in zip((0, LATE), (early, late), distances, strict=True):
        name = f"frames_{first_frame}_{first_frame + num_frames}"
        rows[f"kernel_distance_{name}"] = Row(distance, floor, "the same early and late")
        rows[f"motion_energy_ratio_{name}"] = Row(float(part.energy.mean() / energy), moving, "near 1")
    # An unbiased distance may be 0 or less, and nothing can be divided by that.
    growth = distances[1] / distances[0] if distances[0] > 0 else math.nan
    rows["kernel_distance_late_over_early"] = Row(growth, None, "near 1")
    rows["long_drift"] = Row(long_drift(early.features, late.features), None, "near 0")
    return rows


def _paired(sets: Sets) -> Rows:
    """PSNR, SSIM, and LPIPS where there is a network for it, in the mean over pairs."""
    metrics: dict[str, PairMetric] = {"psnr": psnr, "ssim": ssim}
    if sets.lpips is not None:
        metrics["lpips"] = sets.lpips
    pairs = (pair[:, None] for pair in sets.pairs)
    values = [{name: metric(one, other) for name, metric in metrics.items()} for one, other in pairs]
    if not values:
        raise DataError("no generated video has the name of a real one; name each as the real one that it repeats")
    return {name: Row(sum(pair[name] for pair in values) / len(values), None, PAIR_GOALS[name]) for name in metrics}


METRICS: Mapping[str, Callable[[Sets], Rows]] = {
    "kernel": _kernel,
    "frechet": _frechet,
    "precision": _precision,
    "classes": _classes,
    "diversity": _diversity,
    "novelty": _novelty,
    "variety": _variety,
    "motion": _motion,
    "long": _long,
    "paired": _paired,
}
