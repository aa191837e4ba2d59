"""report.html: a run on one page, for a browser and without a server: progress, curves, previews, settings."""

import re
from base64 import b64encode
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
REFRESH_SECONDS = 30
LARGEST_INSIDE = 2**24
"""Bytes of videos that go into the page itself."""
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


def write_report(run: RunFolder, config: Config, *, ended: bool = False) -> None:
    """Write the page anew from what lies in the run folder; a missing or damaged row of metrics is passed over.

    While the run trains the page loads itself anew and its videos lie beside it; once it has ``ended`` they are inside,
    where they are not too large, so that the page alone can be passed on.
    """
    rows = read_metrics(run.metrics)
    last = {"step": 0, "clips_seen": 0, "seconds": 0.0} | (rows[-1] if rows else {})
    progress = (
        f"<p>Step {last['step']:.0f} of {config.train.steps}, {last['clips_seen']:.0f} clips seen, "
        f"{last['seconds'] / 60:.1f} minutes of training.</p>"
    )
    videos = [("reals", "real clips"), *((name, f"step {step}") for step, name in _previews(run.previews))]
    paths = [run.previews / f"{name}.mp4" for name, _ in videos]
    inside = ended and all(map(Path.is_file, paths)) and sum(path.stat().st_size for path in paths) <= LARGEST_INSIDE
    best = best_step(rows)
    of_best = f"<p>Best: step {best[0]}, at a kernel distance of {best[1]:.4g} (--best takes it).</p>" if best else ""
    body = [
        progress + of_best,
        "<h2>Previews</h2>",
        f"<p>{'The videos are inside this page.' if inside else 'The videos lie in previews/ beside this page.'}</p>",
        *(html.video(_source(path, inside), caption) for path, (_, caption) in zip(paths, videos, strict=True)),
        "<h2>Curves</h2>",
        *(_drawing(title, series) for title, series in curves(rows)),
        f"<details><summary>Settings</summary><pre>{escape(config.model_dump_json(indent=2))}</pre></details>",
    ]
    page = html.page(run.path.resolve().name, body, refresh_seconds=None if ended else REFRESH_SECONDS)
    write_text(run.report, page)


def _source(path: Path, inside: bool) -> str:
    if not inside:
        return f"previews/{path.name}"
    return f"data:video/mp4;base64,{b64encode(path.read_bytes()).decode()}"


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
    matches = (re.fullmatch(r"step-(\d{8,})", path.stem) for path in folder.glob("step-*.mp4"))
    previews = sorted((int(match[1]), match[0]) for match in matches if match)
    if len(previews) <= PREVIEWS:
        return previews
    return [previews[round(number * (len(previews) - 1) / (PREVIEWS - 1))] for number in range(PREVIEWS)]


def _drawing(title: str, series: Mapping[str, Points]) -> str:
    """Draw curves over steps; the axis goes from 0 or the least value to the largest; both stand beside it."""
    values = [value for points in series.values() for _, value in points]
    low, high = min(0.0, *values), max(0.0, *values)
    span, end = high - low or 1.0, max(step for points in series.values() for step, _ in points) or 1
    top = low + span
    lines, legend = html.axes(HEIGHT, (0, end), (low, top)), []
    for colour, (name, points) in zip(cycle(html.COLOURS), series.items(), strict=False):
        corners = [(html.WIDTH * step / end, HEIGHT * (top - value) / span) for step, value in points]
        lines.append(html.polyline(corners, colour))
        legend.append(html.coloured(f"{name} {points[-1][1]:.3g}", colour))
    caption = f"{escape(title)}, {low:.3g} to {high:.3g}, to step {end:.0f}<br>{' · '.join(legend)}"
    return html.drawing(lines, HEIGHT, caption)
