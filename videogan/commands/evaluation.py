"""One evaluation from start to end: opens both sets, measures them, and writes the report's files."""

import json
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import torch

from videogan.checkpoint import load_weights
from videogan.commands.console import reading_bar
from videogan.data.files import printable
from videogan.data.folder import VideoFolder, check_usable, survey_folder
from videogan.device import pick_device, pick_threads
from videogan.metrics import protocol, suite
from videogan.metrics.features import FeatureNet, load_features
from videogan.metrics.measure import measure
from videogan.metrics.page import page, write_page_videos
from videogan.metrics.sources import (
    ClipRule,
    FolderSource,
    GeneratorSource,
    labels_in_proportion,
    paired_clips,
)
from videogan.metrics.statistics_cache import measure_cached
from videogan.runs import find_weights
from videogan.storage import write_text

_log = logging.getLogger(__name__)

FRAMES = 16


@dataclass(frozen=True)
class Request:
    """What the user asked for; None where the model, or the generated videos, decide."""

    real: Path
    run: Path | None
    generated: Path | None
    metrics: str | None
    features: str
    features_file: Path | None
    fetch: bool
    precision: str
    lpips_file: Path | None
    clips: int
    seed: int
    size: int | None
    num_frames: int | None
    frame_stride: int | None
    generated_stride: int


@dataclass(frozen=True)
class Opened:
    """Both sets before anything is measured."""

    real: FolderSource
    fake: FolderSource | GeneratorSource
    name: str


def run_evaluation(request: Request, out: Path) -> dict[str, Any]:
    """Evaluate, write report.json, report.html and the videos into ``out``, and return the report."""
    start = time.monotonic()
    device = pick_device()
    metrics = suite.parse_metrics(
        request.metrics, has_model=request.generated is None, has_folder=request.generated is not None
    )
    net = _features(request, device)
    opened = _open(request, device)
    if device.type == "cpu":
        threads, because = pick_threads()
        torch.set_num_threads(threads)
        _log.info("threads: %d, because %s", threads, because)
    real_source, fake_source = opened.real, opened.fake
    stamp = protocol.real_protocol(
        net, real_source.rule, clips=request.clips, seed=request.seed, precision=request.precision
    )
    seconds = {}
    with reading_bar("measuring real clips") as progress:
        clock = time.monotonic()
        real = measure_cached(real_source, net, stamp, progress=progress)
        seconds["real"] = round(time.monotonic() - clock, 1)
    with reading_bar("measuring generated clips") as progress:
        clock = time.monotonic()
        fake = measure(fake_source, net, progress)
        seconds["generated"] = round(time.monotonic() - clock, 1)
    clock = time.monotonic()
    fake = suite.match_labels(fake, fake_source.class_names, real_source.class_names)
    halves = real.halves(request.seed)
    sets = suite.Sets(real, fake, halves, net, real_source.class_names, request.seed)
    rows, warnings = suite.run_metrics(sets, metrics)
    rows |= _other_rows(request, metrics, opened, sets)
    seconds["metrics"] = round(time.monotonic() - clock, 1)
    for name, part in (("real", real), ("generated", fake)):
        if len(part) < request.clips:
            warnings.append(f"the {name} set has {len(part)} clips, not the {request.clips} that were asked for")
    videos = write_page_videos(out, (real_source, fake_source), real, fake)
    seconds["all"] = round(time.monotonic() - start, 1)
    report = {
        "version": protocol.VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "real": printable(request.real),
        "generated": opened.name,
        "protocol": {
            **stamp,
            "generated_stride": request.generated_stride if request.generated else 1,
            "real_set": protocol.real_set(real_source.folder),
            "real_clips": len(real),
            "generated_clips": len(fake),
            "floor": f"two halves of the real set without a video in common, {len(halves[0])} and {len(halves[1])}",
            "interval": "95 %, 200 resamples of half of each set",
        },
        "versions": protocol.versions(device),
        "metrics": suite.as_json(rows),
        "warnings": warnings,
        "seconds": seconds,
    }
    write_text(out / "report.json", json.dumps(report, indent=2, allow_nan=False) + "\n")
    write_text(out / "report.html", page(report, real, fake, videos))
    return report


def _features(request: Request, device: torch.device) -> FeatureNet:
    return load_features(
        request.features,
        path=request.features_file,
        device=device,
        precision=request.precision,
        fetch=request.fetch,
    )


def _scan(path: Path, labels: Literal["folders", "none"] = "folders") -> VideoFolder:
    """Look at a folder; here, unlike in training, some videos may have a class while others have none."""
    with reading_bar("looking at videos") as progress:
        folder = survey_folder(path, labels=labels, progress=progress)
    check_usable(folder, 1.0)
    for rejected, reason in folder.rejected:
        _log.warning("%s is left out: %s", rejected, reason)
    return folder


def _open(request: Request, device: torch.device) -> Opened:
    return _open_model(request, device) if request.generated is None else _open_folders(request, request.generated)


def _open_model(request: Request, device: torch.device) -> Opened:
    path = find_weights(request.run)
    weights = load_weights(path, device)
    card, data = weights.card, weights.card.config.data
    rule = ClipRule(
        size=request.size or data.size,
        num_frames=request.num_frames or data.num_frames,
        frame_stride=request.frame_stride or data.frame_stride,
        frame_rate=data.frame_rate,
        fit=data.fit,
        short=data.short,
    )
    real = FolderSource(_scan(request.real, data.labels), rule, clips=request.clips, seed=request.seed)
    fake = GeneratorSource(
        weights.generator,
        card.class_names,
        labels_in_proportion(real.labels, real.class_names, card.class_names, request.clips),
        num_frames=rule.num_frames,
        clips=request.clips,
        seed=request.seed,
        frame_rate=card.frame_rate,
    )
    return Opened(real, fake, f"{printable(path.parent)} (step {card.step})")


def _open_folders(request: Request, generated: Path) -> Opened:
    folder = _scan(generated)
    first = folder.videos[0].info
    size = request.size or min(first.height, first.width)
    frames = request.num_frames or FRAMES
    real_rule = ClipRule(size, frames, request.frame_stride or 1)
    fake_rule = ClipRule(size, frames, request.generated_stride)
    real = FolderSource(_scan(request.real), real_rule, clips=request.clips, seed=request.seed)
    fake = FolderSource(folder, fake_rule, clips=request.clips, seed=request.seed)
    return Opened(real, fake, printable(generated))


def _other_rows(request: Request, metrics: tuple[str, ...], opened: Opened, sets: suite.Sets) -> suite.Rows:
    """The metrics that need more than the two measured sets."""
    rows: suite.Rows = {}
    if "long" in metrics and isinstance(opened.fake, GeneratorSource):
        rows |= suite.long_rows(measure(opened.fake.later(suite.LATE, suite.LONG_VIDEOS), sets.net), sets)
    if "paired" in metrics and isinstance(opened.fake, FolderSource):
        pairs = paired_clips(opened.real.folder, opened.fake.folder, opened.real.rule, opened.fake.rule)
        rows |= suite.paired_rows(pairs, request.lpips_file)[0]
    return rows
