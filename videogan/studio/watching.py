"""A run as its page shows it: how far it is, its curves, its previews, and in plain words how its samples look."""

import re
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from einops import rearrange

from videogan.artifacts.metrics_file import read_metrics
from videogan.artifacts.runs import RunFolder
from videogan.errors import VideoganError
from videogan.files import read_json
from videogan.training.recorder import PREVIEW_ROWS, PREVIEW_VIDEOS
from videogan.training.report import curves
from videogan.video import VideoReader, probe

MOST_POINTS = 400
"""Points of a curve that are sent; of more, evenly spread ones."""
ALIVE_SECONDS = 600
"""A run that trains writes something within so many seconds."""
REALS = "reals"


def summary(run: RunFolder) -> dict[str, Any]:
    """Return how far a run is: ``state``, ``step`` of ``steps``, ``seconds`` spent and, while it trains, ``left``.

    What is left is counted in seconds, by the steps or by the minutes that the run may take.
    """
    content = read_json(run.status)
    status: Mapping[str, Any] = content if isinstance(content, dict) else {}
    step, steps, seconds = (_number(status.get(key)) for key in ("step", "steps", "seconds"))
    state = str(status.get("status", "not begun"))
    if state == "training" and time.time() - _changed(run.metrics) > ALIVE_SECONDS:
        state = "stopped without a word"
    ends = [seconds / step * steps] if step else []
    ends += [60 * _number(status["minutes"])] if "minutes" in status else []
    left = max(0.0, min(ends) - seconds) if state == "training" and ends else None
    return {
        "name": run.path.resolve().name,
        "state": state,
        "step": step,
        "steps": steps,
        "seconds": seconds,
        "left": left,
        "changed": _changed(run.status),
    }


def report(run: RunFolder) -> dict[str, Any]:
    """Return all that the page shows of a run; steps and values of each curve are two lists."""
    rows = read_metrics(run.metrics)
    spread = rows if len(rows) <= MOST_POINTS else [rows[int(at)] for at in np.linspace(0, len(rows) - 1, MOST_POINTS)]
    videos = previews(run)
    steps = [name for name in videos if name != REALS]
    return {
        **summary(run),
        "clips_per_second": rows[-1].get("clips_per_second") if rows else None,
        "curves": [
            {
                "title": title,
                "series": {name: list(map(list, zip(*points, strict=True))) for name, points in of.items()},
            }
            for title, of in curves(spread)
        ],
        "previews": steps,
        "reals": REALS in videos,
        "verdict": verdict(videos[REALS], videos[steps[-1]]) if steps and REALS in videos else [],
    }


def previews(run: RunFolder) -> dict[str, Path]:
    """Return the videos of a run by name, those of its steps in their order."""
    named = {path.stem: path for path in run.previews.glob("*.mp4") if path.is_file()}
    ours = {name: path for name, path in named.items() if name == REALS or re.fullmatch(r"step-\d{8,}", name)}
    return dict(sorted(ours.items(), key=lambda item: (len(item[0]), item[0])))


def verdict(reals: Path, samples: Path) -> list[dict[str, Any]]:
    """Compare a preview with real clips: how varied, how sharp and how lively they are, 1 being alike, in words."""
    try:
        size = min(probe(reals).height, probe(samples).height)  # earlier versions wrote smaller ones
        real, generated = (_looks(path, path.stat().st_mtime_ns, size) for path in (reals, samples))
    except (VideoganError, OSError):
        return []
    lines = []
    for name, (few, much) in _WORDS.items():
        ratio = generated[name] / max(real[name], 1e-6)
        words = few if ratio < _TOO_LITTLE[name] else much if ratio > _TOO_MUCH[name] else "like real clips"
        lines.append({"name": name, "ratio": round(ratio, 3), "words": words, "well": words == "like real clips"})
    return lines


_TOO_LITTLE = {"variety": 0.6, "sharpness": 0.6, "motion": 0.5}
_TOO_MUCH = {"variety": 1.7, "sharpness": 1.7, "motion": 2.0}
_WORDS = {
    "variety": ("the videos resemble each other: a collapse, if it stays so", "more varied than real clips"),
    "sharpness": ("blurred, or of too little contrast", "noisy, or of too much contrast"),
    "motion": ("hardly anything moves", "it flickers"),
}


@lru_cache(maxsize=64)
def _looks(path: Path, _changed_at: int, size: int) -> dict[str, float]:
    """Return the mean difference between the videos of a preview, between neighbouring pixels, and between frames."""
    with VideoReader(path, size=(size, size)) as reader:
        frames = reader.read(range(len(reader))).astype(np.float32)
    columns = PREVIEW_VIDEOS // PREVIEW_ROWS
    clips = rearrange(frames, "t (rows h) (columns w) c -> (rows columns) t h w c", rows=PREVIEW_ROWS, columns=columns)
    return {
        "variety": float(np.abs(clips - clips.mean(axis=0)).mean()),
        "sharpness": float(np.abs(np.diff(clips, axis=2)).mean() + np.abs(np.diff(clips, axis=3)).mean()),
        "motion": float(np.abs(np.diff(clips, axis=1)).mean()),
    }


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and value >= 0 else 0.0


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
