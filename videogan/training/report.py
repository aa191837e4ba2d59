"""report.html: a run on one page, for a browser and without a server: progress, curves, previews, settings."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from videogan.config import Config
from videogan.files import write_text
from videogan.runs import RunFolder
from videogan.training.log import read_metrics

WIDTH, HEIGHT = 420, 120
CURVES = {
    "Adversarial losses": ("frame_loss", "clip_loss", "generator_frame", "generator_clip"),
    "Reconstruction and latent cycle": ("reconstruction", "content_cycle", "motion_cycle"),
    "Clips per second": ("clips_per_second",),
}
COLOURS = ("#3366cc", "#dc3912", "#109618", "#990099")
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
figure { display: inline-block; margin: 0 1.5rem 1.5rem 0; vertical-align: top }
video { width: 256px; image-rendering: pixelated; background: #000 }
svg { background: #f6f6f6 }
pre { background: #f6f6f6; padding: 1rem; overflow-x: auto }
"""


def write_report(run: RunFolder, config: Config) -> None:
    """Write the page anew from what lies in the run folder; a missing or damaged row of metrics is passed over."""
    rows = read_metrics(run.metrics)
    title = escape(run.path.resolve().name)
    last = rows[-1] if rows else {"step": 0, "clips_seen": 0, "seconds": 0.0}
    parts = [
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{title}</title><style>{STYLE}</style>",
        f"<h1>{title}</h1><p>Step {last['step']:.0f} of {config.train.steps}, {last['clips_seen']:.0f} clips seen, "
        f"{last['seconds'] / 60:.1f} minutes of training.</p>",
        "<h2>Previews</h2>",
        _video("previews/reals.mp4", "real clips"),
        *(_video(f"previews/{name}", f"step {int(name[5:13])}") for name in _chosen_previews(run.previews)),
        "<h2>Curves</h2>",
        *(_figure(title, _series(rows, names)) for title, names in CURVES.items()),
        f"<h2>Settings</h2><pre>{escape(config.model_dump_json(indent=2))}</pre></html>",
    ]
    write_text(run.report, "\n".join(parts))


def _chosen_previews(folder: Path) -> list[str]:
    """Return at most eight previews, the first and the last among them, evenly spread."""
    names = sorted(path.name for path in folder.glob("step-*.mp4"))
    if len(names) <= 8:
        return names
    return [names[round(place * (len(names) - 1) / 7)] for place in range(8)]


def _video(source: str, caption: str) -> str:
    tag = f"<video src='{escape(source)}' autoplay loop muted playsinline></video>"
    return f"<figure>{tag}<figcaption>{escape(caption)}</figcaption></figure>"


def _series(rows: Sequence[dict[str, float]], names: Sequence[str]) -> dict[str, list[tuple[float, float]]]:
    return {name: points for name in names if (points := [(row["step"], row[name]) for row in rows if name in row])}


def _figure(title: str, series: dict[str, list[tuple[float, float]]]) -> str:
    """Draw curves over steps; the axis begins at 0 and ends at the largest value, which is written beside it."""
    if not series:
        return ""
    top = max(value for points in series.values() for _, value in points) or 1.0
    end = max(step for points in series.values() for step, _ in points)
    lines, names = [], []
    for colour, (name, points) in zip(COLOURS, series.items(), strict=False):
        path = " ".join(f"{WIDTH * step / end:.1f},{HEIGHT * (1 - value / top):.1f}" for step, value in points)
        lines.append(f"<polyline points='{path}' fill='none' stroke='{colour}' stroke-width='1.5'/>")
        names.append(f"<span style='color:{colour}'>{escape(name)} {points[-1][1]:.3g}</span>")
    drawing = f"<svg width='{WIDTH}' height='{HEIGHT}' viewBox='0 -2 {WIDTH} {HEIGHT + 4}'>{''.join(lines)}</svg>"
    caption = f"{escape(title)}, 0 to {top:.3g}, to step {end:.0f}<br>{' · '.join(names)}"
    return f"<figure>{drawing}<figcaption>{caption}</figcaption></figure>"
