"""One evaluation from start to end: opens both sets, measures them, and reports."""

import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal, Protocol

from videogan.artifacts.checkpoint_files import model_place
from videogan.artifacts.provenance import environment, scale_of
from videogan.artifacts.weights import Card
from videogan.data.folder import VideoFolder, check_usable, survey_folder
from videogan.data.paths import split_parts
from videogan.device import describe, pick_device, quick_threads
from videogan.errors import DataError, UsageError
from videogan.files import TaskProgress, printable
from videogan.metrics import own_features, suite
from videogan.metrics.feature_net import FeatureNet
from videogan.metrics.features import load_features
from videogan.metrics.measure import Measured, cache_key, measure, measure_cached
from videogan.metrics.paired import PairMetric
from videogan.metrics.protocol import ClipChoice, clip_protocol, real_protocol, real_set
from videogan.metrics.references import reference_figures
from videogan.metrics.report import Report, Setting
from videogan.metrics.report_folder import check_report_folder, write_report
from videogan.metrics.sources import (
    ClipRule,
    FolderSource,
    GeneratorSource,
    labels_in_proportion,
    paired_clips,
    same_names,
)
from videogan.models import efficientnet
from videogan.models.generator import Generator

_log = logging.getLogger(__name__)

NUM_FRAMES = 16
"""Frames of a clip where no model says how many."""


class TrainedModel(Protocol):
    """What can be evaluated: a generator, the card of its weights, and the file that they came from."""

    @property
    def generator(self) -> Generator:
        """Makes the videos."""
        ...

    @property
    def card(self) -> Card:
        """Says how clips are cut, and what the classes are."""
        ...

    @property
    def path(self) -> Path:
        """Names the model in the report."""
        ...


@dataclass(frozen=True)
class Sources:
    """Both sets before anything is measured, what to call the generated one, and features that its model learnt by."""

    real: FolderSource
    fake: FolderSource | GeneratorSource
    name: str
    judged_by: tuple[str, ...] = ()


def evaluate(
    real: str | os.PathLike[str],
    *,
    model: TrainedModel | None = None,
    generated: str | os.PathLike[str] | None = None,
    metrics: Sequence[str] | None = None,
    features: str | FeatureNet | own_features.OwnFeatures = "own",
    lpips: PairMetric | None = None,
    clips: int = 256,
    seed: int = 0,
    size: int | None = None,
    num_frames: int | None = None,
    frame_stride: int | None = None,
    generated_stride: int = 1,
    references: bool = True,
    out: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    progress: TaskProgress | None = None,
) -> Report:
    """Measure generated clips, of a model or of a folder of videos, beside the real ones of a folder.

    Args:
        real: the folder of real videos; its sub-folders, if any, are the classes.
        model: makes the generated clips; ``videogan.load`` returns one.
        generated: or the folder of generated videos, by whatever tool.
        metrics: names of ``suite.METRICS``; by default all that apply.
        features: what clips are described by: a name, or what ``load_features`` returned.
        lpips: what ``load_lpips`` returned, for the metric ``paired``.
        clips: clips of each set, 2 to 16,384.
        seed: chooses the clips.
        size: height and width in pixels; by default the generated ones', before they were enlarged. A model's is fixed.
        num_frames: frames of a clip; by default the model's, or 16.
        frame_stride, generated_stride: steps between frames of real and generated videos; by default the model's, or 1.
        references: also measure real clips spoilt in known ways, by which figures can be placed; False saves the time.
        out: folder for report.json, report.html and videos; ``overwrite`` replaces an earlier report.
        progress: is told how far each part of the work is.

    Raises:
        UsageError: an argument is out of range or does not fit the others, or ``out`` cannot be written.
        DataError: a folder has no usable video.
        CheckpointError: the model makes values that are not finite.
    """
    start = time.monotonic()
    choice = ClipChoice(clips, seed, size, num_frames, frame_stride, generated_stride)
    names = suite.choose_metrics(metrics, has_model=model is not None)
    if out is not None:
        check_report_folder(Path(out), overwrite=overwrite)
    show = progress or (lambda *_: None)
    sources = _open(Path(real), model, None if generated is None else Path(generated), choice, show)
    _check_pairs(sources, names)
    with quick_threads():
        net = _net(features, sources.real, choice, show)
        sets, report = _measured(sources, choice, net, lpips, names, show, references=references)
        report = report.model_copy(update={"seconds": {**report.seconds, "all": _seconds_since(start)}})
        if out is not None:
            write_report(Path(out), report, (sources.real, sources.fake), sets.real, sets.fake)
    return report


def _net(
    features: str | FeatureNet | own_features.OwnFeatures, real: FolderSource, choice: ClipChoice, show: TaskProgress
) -> FeatureNet:
    """Return the features; those that are learnt see clips of the real folder, more than are measured if there are."""
    net = load_features(features) if isinstance(features, str) else features
    if isinstance(net, FeatureNet):
        return net
    source = FolderSource(real.folder, real.rule, clips=max(own_features.CLIPS, choice.clips), seed=choice.seed)
    key = cache_key(real.folder.videos, clip_protocol(real.rule, clips=len(source), seed=choice.seed))
    return net.learn(source.batches, key, progress=partial(show, "learning features"))


def _measured(
    sources: Sources,
    choice: ClipChoice,
    net: FeatureNet,
    lpips: PairMetric | None,
    names: Sequence[str],
    show: TaskProgress,
    *,
    references: bool,
) -> tuple[suite.Sets, Report]:
    """Measure both sets, run the metrics, and report."""
    seconds: dict[str, float] = {}
    stamp = real_protocol(net, sources.real.rule, clips=choice.clips, seed=choice.seed)
    with _timed(seconds, "real"):
        real = measure_cached(sources.real, net, stamp, progress=partial(show, "measuring real clips"))
    with _timed(seconds, "generated"):
        fake = measure(sources.fake, net, partial(show, "measuring generated clips"))
        fake = suite.match_labels(fake, sources.fake.class_names, sources.real.class_names)
    with _timed(seconds, "metrics"):
        sets = _sets(sources, choice, net, real, fake, lpips)
        rows, warnings = suite.run_metrics(sets, names)
    with _timed(seconds, "references"):
        spoilt = partial(show, "measuring spoilt real clips")
        placed = reference_figures(sources.real, sets, names, stamp, spoilt) if references else {}
    warnings += suite.concerns(sets, choice.clips)
    if net.name in sources.judged_by:
        warnings.append(f"the model was trained to please {net.name}, which flatters it; {efficientnet.LITE2} does not")
    report = Report(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        real=printable(sources.real.folder.root),
        generated=sources.name,
        protocol=stamp | _about(sources, choice, sets),
        versions=environment(describe(pick_device()), "scipy", "scikit-learn", "torchmetrics"),
        metrics={name: row.finite() for name, row in rows.items()},
        references=placed,
        warnings=[printable(text) for text in warnings],
        seconds=seconds,
    )
    return sets, report


def _sets(
    sources: Sources, choice: ClipChoice, net: FeatureNet, real: Measured, fake: Measured, lpips: PairMetric | None
) -> suite.Sets:
    sets = suite.Sets(real, fake, real.halves(choice.seed), net, sources.real.class_names, choice.seed)
    if isinstance(sources.fake, GeneratorSource):
        late = sources.fake.later(suite.LATE, suite.LONG_VIDEOS)
        return replace(sets, late=lambda: measure(late, net))
    return replace(sets, pairs=paired_clips(sources.real, sources.fake), lpips=lpips)


def _about(sources: Sources, choice: ClipChoice, sets: suite.Sets) -> dict[str, Setting]:
    """The lines of the protocol that are known once both sets are measured."""
    several = len(sets.real.groups.unique()) > 1
    halves = "the real set without a video in common" if several else "the clips of the one real video"
    return {
        "generated_stride": choice.generated_stride if isinstance(sources.fake, FolderSource) else 1,
        "real_set": real_set(sources.real.folder),
        "real_clips": len(sets.real),
        "generated_clips": len(sets.fake),
        "floor": f"two halves of {halves}, {' and '.join(str(len(half)) for half in sets.halves)}",
        "interval": "95 %, 200 resamples of half of each set",
    }


def _open(
    real: Path, model: TrainedModel | None, generated: Path | None, choice: ClipChoice, show: TaskProgress
) -> Sources:
    if model is not None and generated is None:
        return _open_model(real, model, choice, show)
    if model is None and generated is not None:
        return _open_folders(real, generated, choice, show)
    raise UsageError("evaluate either a model or a folder of generated videos")


def _open_model(path: Path, model: TrainedModel, choice: ClipChoice, show: TaskProgress) -> Sources:
    card, data = model.card, model.card.config.data
    if choice.size not in (None, data.size):
        raise UsageError(f"size {choice.size}: the model makes videos of {data.size} pixels; leave out --size")
    rule = ClipRule(
        size=data.size,
        num_frames=choice.num_frames or data.num_frames,
        frame_stride=choice.frame_stride or data.frame_stride,
        frame_rate=data.frame_rate,
        fit=data.fit,
        short=data.short,
    )
    folder = _scan(held_out(path), data.labels, partial(show, "looking at videos"))
    real = FolderSource(folder, rule, clips=choice.clips, seed=choice.seed)
    fake = GeneratorSource(
        model.generator,
        card.class_names,
        labels_in_proportion(real.labels, real.class_names, card.class_names, choice.clips),
        num_frames=rule.num_frames,
        clips=choice.clips,
        seed=choice.seed,
        frame_rate=card.frame_rate,
    )
    judged_by = (efficientnet.LITE0,) if "projected" in card.config.discriminators() else ()
    return Sources(real, fake, f"{printable(model_place(model.path))} (step {card.step})", judged_by)


def _open_folders(path: Path, generated: Path, choice: ClipChoice, show: TaskProgress) -> Sources:
    folder = _scan(generated, "folders", partial(show, "looking at generated videos"))
    first, num_frames = folder.videos[0], choice.num_frames or NUM_FRAMES
    size = choice.size or max(1, min(first.info.height, first.info.width) // scale_of(first.source))
    fake = FolderSource(
        folder, ClipRule(size, num_frames, choice.generated_stride), clips=choice.clips, seed=choice.seed
    )
    real = FolderSource(
        _scan(held_out(path), "folders", partial(show, "looking at videos")),
        ClipRule(size, num_frames, choice.frame_stride or 1),
        clips=choice.clips,
        seed=choice.seed,
    )
    return Sources(real, fake, printable(generated))


def _scan(path: Path, labels: Literal["folders", "none"], progress: Callable[[int, int], None]) -> VideoFolder:
    """Look at a folder; here, unlike in training, some videos may have a class while others have none."""
    folder = survey_folder(path, labels=labels, progress=progress)
    check_usable(folder, 1.0)
    for rejected, reason in folder.rejected:
        _log.warning("%s is left out: %s", printable(rejected), printable(reason))
    return folder


def held_out(path: Path) -> Path:
    """Return val, or else test, of a data set in parts; any other path as it is."""
    parts = split_parts(path)
    part = parts.get("val") or parts.get("test")
    if part is None:
        return path
    _log.info("%s holds the parts of a data set: %s is measured against", printable(path), part.name)
    return part


def _check_pairs(sources: Sources, names: Sequence[str]) -> None:
    """Raise DataError where pairs are asked for and there are none: told before the work."""
    fake = sources.fake
    if "paired" in names and isinstance(fake, FolderSource) and not same_names(sources.real.folder, fake.folder):
        raise DataError("no generated video has the name of a real one; name each as the real one that it repeats")


@contextmanager
def _timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    start = time.monotonic()
    yield
    seconds[name] = _seconds_since(start)


def _seconds_since(start: float) -> float:
    return round(time.monotonic() - start, 1)
