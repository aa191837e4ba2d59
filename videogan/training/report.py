"""report.html: a run on one page, for a browser and without a server: progress, curves, previews, settings."""

import re
from collections.abc import Mapping, Sequence
from html import escape
from itertools import cycle
from math import isfinite
from pathlib import Path

from videogan.artifacts.metrics_file import best_step, read_metrics
from videogan.artifacts.runs import RunFolder
from videogan.config import Config
from videogan.files import write_text
from videogan.metrics import html

HEIGHT = 120
PREVIEWS = 8
CURVES = (
    ("Discriminators: adversarial losses", r"(?!generator_).*_loss"),
    ("Class terms", r".*_auxiliary"),
    ("Generator: adversarial losses", r"generator_.*"),
    ("Mean logits", r".*logits?(_.*)?"),
    ("Gradient penalties", r".*_(r1|r2|penalty)"),
    ("Centring", r".*_centring"),
    ("Wasserstein distance", r".*_wasserstein_distance"),
    ("Reconstruction and cycles", r".*(reconstruction|cycle)"),
    ("Encoder: adversarial losses", r"encoder_.*"),
    ("Kernel distance", r".*kernel_distance"),
    ("What samples differ by: share of class, content and motion", r"(class|content|motion)_share"),
    ("Samples beside real clips, 1 is alike", r"tick_.*"),
    ("Clips per second", r"clips_per_second"),
    ("Share of the time spent waiting for clips", r"data_wait"),
    ("Memory, GiB", r"memory_gib"),
    ("Other figures", r"(?!step$|clips_seen$|seconds$).*"),
)
"""Titles of drawings, and which names of metrics.jsonl each shows: those that no drawing before it does."""

Points = list[tuple[float, float]]


def write_report(run: RunFolder, config: Config) -> None:
    """Write the page anew from what lies in the run folder; a missing or damaged row of metrics is passed over."""
    rows = read_metrics(run.metrics)
    last = rows[-1] if rows else {"step": 0, "clips_seen": 0, "seconds": 0.0}
    progress = (
        f"<p>Step {last['step']:.0f} of {config.train.steps}, {last['clips_seen']:.0f} clips seen, "
        f"{last['seconds'] / 60:.1f} minutes of training.</p>"
    )
    best = best_step(rows)
    of_best = f"<p>Best: step {best[0]}, at a kernel distance of {best[1]:.4g} (--best takes it).</p>" if best else ""
    body = [
        progress + of_best,
        "<h2>Previews</h2>",
        html.video("previews/reals.mp4", "real clips"),
        *(html.video(f"previews/{name}", f"step {step}") for step, name in _previews(run.previews)),
        "<h2>Curves</h2>",
        *(_drawing(title, series) for title, series in curves(rows)),
        f"<h2>Settings</h2><pre>{escape(config.model_dump_json(indent=2))}</pre>",
    ]
    write_text(run.report, html.page(run.path.resolve().name, body))


def curves(rows: Sequence[Mapping[str, float]]) -> list[tuple[str, dict[str, Points]]]:
    """Return title and points (step, value) by name for every drawing that has any, in the order of ``CURVES``."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    groups: dict[str, dict[str, Points]] = {title: {} for title, _ in CURVES}
    for name in names:
        title = next((title for title, pattern in CURVES if re.fullmatch(pattern, name)), None)
        points = [(row["step"], row[name]) for row in rows if name in row and isfinite(row[name])]
        if title is not None and points:
            groups[title][name] = points
    return [(title, series) for title, series in groups.items() if series]


def _previews(folder: Path) -> list[tuple[int, str]]:
    """Steps and names of at most eight previews, the first and the last among them, evenly spread."""
    matches = (re.fullmatch(r"step-(\d{8,})\.mp4", path.name) for path in folder.glob("step-*.mp4"))
    previews = sorted((int(match[1]), match[0]) for match in matches if match)
    if len(previews) <= PREVIEWS:
        return previews
    return [previews[round(number * (len(previews) - 1) / (PREVIEWS - 1))] for number in range(PREVIEWS)]


def _drawing(title: str, series: Mapping[str, Points]) -> str:
    """Draw curves over steps; the axis goes from 0 or the least value to the largest; both stand beside it."""
    values = [value for points in series.values() for _, value in points]
    low, high = min(0.0, *values), max(0.0, *values)
    span, end = high - low or 1.0, max(step for points in series.values() for step, _ in points) or 1
    lines, legend = [], []
    for colour, (name, points) in zip(cycle(html.COLOURS), series.items(), strict=False):
        corners = [(html.WIDTH * step / end, HEIGHT * (high - value) / span) for step, value in points]
        lines.append(html.polyline(corners, colour))
        legend.append(html.coloured(f"{name} {points[-1][1]:.3g}", colour))
    caption = f"{escape(title)}, {low:.3g} to {high:.3g}, to step {end:.0f}<br>{' · '.join(legend)}"
    return html.drawing(lines, HEIGHT, caption)
