"""What the benchmarks that train share: the program's own commands, and sets of clips, real and generated."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from videogan.artifacts.metrics_file import read_metrics
from videogan.artifacts.tensor_file import tensors_sha256
from videogan.config import DataConfig
from videogan.data.folder import scan_folder
from videogan.device import pick_device
from videogan.metrics import evaluate, read_report
from videogan.metrics.diversity import class_accuracy, recognised
from videogan.metrics.feature_net import FeatureNet
from videogan.metrics.own_features import OwnFeatures
from videogan.metrics.report import Rows
from videogan.metrics.sources import BATCH, Batch, ClipRule, ClipSource, FolderSource, GeneratorSource
from videogan.model import Model, load

HERE = Path(__file__).parent


class Clips(NamedTuple):
    """Clips ``n t c h w`` in [-1, 1], the name of each one's class, and the number of its video."""

    clips: Tensor
    names: list[str]
    groups: Tensor


def command(*arguments: object, said: bool = False) -> str:
    """Run one command of videogan and return what it printed; an error ends the benchmark with its line."""
    done = subprocess.run(
        [sys.executable, str(HERE.parent / "cli.py"), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=None if said else subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"videogan {arguments[0]} ended with {done.returncode}: {(done.stderr or '').strip()}")
    return done.stdout


def trained(
    clips: Path,
    run: Path,
    *,
    preset: str | None,
    minutes: float,
    settings: Sequence[str] = (),
    start_from: Path | str | None = None,
    said: bool = True,
) -> dict[str, float]:
    """Train for some minutes, unless that is done already; from a model where one is named.

    Returns clips per second (the median over ticks) and steps.
    """
    options = [part for setting in settings for part in ("--set", setting)]
    options += [] if preset is None else ["--preset", preset]
    options += [] if start_from is None else ["--from", str(start_from)]
    command("train", clips, "--run", run, "--minutes", minutes, *options, said=said)
    rows = read_metrics(run / "metrics.jsonl")
    return {
        "clips_per_second": sorted(row["clips_per_second"] for row in rows)[len(rows) // 2],
        "steps": rows[-1]["step"],
    }


def evaluated(
    real: Path, out: Path, *, clips: int, run: Path | None = None, generated: Path | None = None, **options: Any
) -> Rows:
    """Return the figures of ``videogan.metrics.evaluate``, of a run or of a folder of generated videos.

    What an earlier call left in ``out`` counts where it asked the same of a run that has not been trained on since.
    """
    note = out.with_name(f"{out.name}.asked.json")
    steps = 0 if run is None else read_metrics(run / "metrics.jsonl")[-1]["step"]
    asked = [*map(str, (real, clips, run, generated, options)), steps]
    if not (out.exists() and note.exists() and json.loads(note.read_text(encoding="utf-8")) == asked):
        model = None if run is None else load(run)
        evaluate(real, model=model, generated=generated, clips=clips, out=out, overwrite=True, **options)
        note.write_text(json.dumps(asked), encoding="utf-8")
    return read_report(out).metrics


def split_by_person(clips: Path, work: Path, held_out: Sequence[str]) -> tuple[Path, Path]:
    """Copy a folder of one folder a class to two: the people to learn, and those whose names begin the files held out.

    Mirrored twins stay with their person.
    """
    parts = work / "seen-people", work / "held-out-people"
    folder = scan_folder(clips, labels="folders")
    for video in folder.videos:
        target = parts[person_of(video.path) in held_out] / video.path.relative_to(folder.root)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(video.path, target)
    if not all(part.is_dir() for part in parts):
        sys.exit(f"{clips}: no video is of {', '.join(held_out)}, or none is of another person")
    return parts


def person_of(video: Path) -> str:
    """Return the name that a file begins with; it ends where the stem does, or at a ``-`` or ``_``."""
    return video.stem.replace("_", "-").split("-")[0]


def clips_of(folder: Path, data: DataConfig, count: int) -> Clips:
    """Return at most ``count`` clips of a folder of one folder a class, cut as these settings have it."""
    rule = ClipRule(data.size, data.num_frames, data.frame_stride, data.frame_rate, data.fit, data.short)
    return _all(FolderSource(scan_folder(folder, labels="folders"), rule, clips=count, seed=0))


def samples_of(model: Model, count: int) -> Clips:
    """Return clips that a model with classes makes, as long as those it has learnt, of its classes in turn."""
    labels = torch.arange(count) % len(model.class_names)
    length, rate = model.card.config.data.num_frames, model.card.frame_rate
    generated = _all(
        GeneratorSource(
            model.generator, model.class_names, labels, num_frames=length, clips=count, seed=0, frame_rate=rate
        )
    )
    return generated._replace(clips=generated.clips.clamp(-1, 1))


def _all(source: ClipSource) -> Clips:
    batches = list(source.batches())
    labels = torch.cat([batch.labels for batch in batches]).tolist()
    names = [source.class_names[label] for label in labels]
    return Clips(torch.cat([batch.clips for batch in batches]), names, torch.cat([batch.groups for batch in batches]))


def own_features(known: Clips) -> FeatureNet:
    """Return features learnt on these clips, or those that were kept of an earlier call."""
    batch = Batch(known.clips, _numbers(known.names, known), known.groups, torch.arange(len(known.clips)))
    key = tensors_sha256({"clips": known.clips, "labels": batch.labels, "groups": known.groups})
    return OwnFeatures(pick_device(), "float32").learn(lambda: [batch], key)


def class_accuracies(net: FeatureNet, known: Clips, judged: Clips) -> dict[str, float]:
    """Return by class, and in the ``mean``, the share of judged clips that a regression on known ones recognises."""
    features = [_told_by(net, one.clips) for one in (known, judged)]
    labels = _numbers(known.names, known), _numbers(judged.names, known)
    classes = sorted(set(known.names))
    rows = class_accuracy(features[0], labels[0], features[1], labels[1], len(classes))
    return {**{name: rows[str(number)] for number, name in enumerate(classes)}, "mean": rows["mean"]}


def names_found(net: FeatureNet, known: Clips, clips: Tensor) -> list[str]:
    """Return for each of the clips the name that a regression on known ones gives it."""
    names = sorted(set(known.names))
    found = recognised(_told_by(net, known.clips), _numbers(known.names, known), _told_by(net, clips))
    return [names[number] for number in found.tolist()]


def _told_by(net: FeatureNet, clips: Tensor) -> Tensor:
    return torch.cat([*net.split(described(net, clips)).values()], dim=1)


def described(net: FeatureNet, clips: Tensor) -> Tensor:
    """Return the features ``n d`` of clips, a batch at a time."""
    return torch.cat([net(part) for part in clips.split(BATCH)])


def _numbers(names: Sequence[str], known: Clips) -> Tensor:
    classes = sorted(set(known.names))
    return torch.tensor([classes.index(name) for name in names])
