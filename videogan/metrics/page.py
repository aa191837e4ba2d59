"""report.html of an evaluation: figures, protocol, plots and side-by-side videos, for a browser without a server."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import torch
from einops import rearrange
from torch import Tensor

from videogan.metrics.diversity import nearest
from videogan.metrics.measure import Measured
from videogan.metrics.sources import Source
from videogan.video import VideoWriter, to_uint8

WIDTH, HEIGHT = 420, 200
REAL, GENERATED = "#3366cc", "#dc3912"
BINS = 24
NEIGHBOURS = 8
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
figure { display: inline-block; margin: 0 1.5rem 1.5rem 0; vertical-align: top }
video { width: 384px; image-rendering: pixelated; background: #000 }
svg { background: #f6f6f6 }
table { border-collapse: collapse } td, th { padding: 0 1rem 0 0; text-align: left }
"""


def page(report: dict[str, Any], real: Measured, fake: Measured, videos: Sequence[tuple[str, str]]) -> str:
    """Return the page; ``videos`` pairs a path beside it with a caption."""
    lines = [row.split("\t") for row in table(report)]
    head = "".join(f"<th>{escape(cell)}</th>" for cell in lines[0])
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>" for cells in lines[1:])
    settings = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(str(value))}</td></tr>"
        for name, value in {**report["protocol"], **report["versions"]}.items()
    )
    warnings = "".join(f"<li>{escape(text)}</li>" for text in report["warnings"])
    title = escape(f"{report['generated']} against {report['real']}")
    legend = f"<span style='color:{REAL}'>real</span> · <span style='color:{GENERATED}'>generated</span>"
    return "\n".join(
        [
            f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{title}</title><style>{STYLE}</style>",
            f"<h1>{title}</h1><h2>Figures</h2><table><tr>{head}</tr>{body}</table><ul>{warnings}</ul>",
            "<h2>Videos</h2>",
            *(_video(source, caption) for source, caption in videos),
            f"<h2>Plots</h2><p>{legend}</p>",
            _figure("Features, along the real set's two main directions", scatter(real.features, fake.features)),
            _figure("Motion energy of the clips", histogram(real.energy, fake.energy)),
            f"<h2>Protocol</h2><table>{settings}</table></html>",
        ]
    )


def table(report: dict[str, Any]) -> list[str]:
    """Return the figures as lines of cells between tabs, a heading first."""
    lines = ["metric\tvalue\treal against real\t95 % interval\tgood is"]
    for name, row in report["metrics"].items():
        interval = "" if not row["interval"] else " to ".join(_number(end) for end in row["interval"])
        lines.append("\t".join((name, _number(row["value"]), _number(row["real_vs_real"]), interval, row["goal"])))
    return lines


def aligned(lines: Sequence[str]) -> list[str]:
    """Return lines of cells between tabs as columns of one width each."""
    cells = [line.split("\t") for line in lines]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def scatter(real: Tensor, fake: Tensor) -> str:
    """Draw both sets of features (n d), (m d) along the two directions in which the real ones vary most."""
    mean = real.double().mean(dim=0)
    _, _, directions = torch.linalg.svd(real.double() - mean, full_matrices=False)
    points = [(part.double() - mean) @ directions[:2].T for part in (real, fake)]
    every = torch.cat(points)
    low, span = every.amin(dim=0), (every.amax(dim=0) - every.amin(dim=0)).clamp_min(1e-12)
    drawn = []
    for part, colour in zip(points, (REAL, GENERATED), strict=True):
        for place in ((part - low) / span).tolist():
            x, y = place[0], (place[1] if len(place) > 1 else 0.5)
            drawn.append(f"<circle cx='{WIDTH * x:.1f}' cy='{HEIGHT * y:.1f}' r='2' fill='{colour}' opacity='0.6'/>")
    return "".join(drawn)


def histogram(real: Tensor, fake: Tensor) -> str:
    """Draw how the values (n), (m) of both sets are spread, from 0 to the largest, each set's share of clips a bin."""
    top = max(float(real.max()), float(fake.max()), 1e-12)
    shares = [torch.histc(part.float(), BINS, 0, top) / len(part) for part in (real, fake)]
    highest = max(float(share.max()) for share in shares)
    lines = []
    for share, colour in zip(shares, (REAL, GENERATED), strict=True):
        corners = []
        for place, value in enumerate(share.tolist()):
            y = HEIGHT * (1 - value / highest)
            corners += [f"{WIDTH * place / BINS:.1f},{y:.1f}", f"{WIDTH * (place + 1) / BINS:.1f},{y:.1f}"]
        lines.append(f"<polyline points='{' '.join(corners)}' fill='none' stroke='{colour}' stroke-width='1.5'/>")
    return "".join(lines)


def write_page_videos(
    folder: Path, sources: tuple[Source, Source], real: Measured, fake: Measured
) -> list[tuple[str, str]]:
    """Write grids of real and generated clips, and generated clips above the real ones nearest to them.

    Returns paths relative to ``folder`` with captions.
    """
    shown = []
    for name, source, kept in (("real", sources[0], real), ("generated", sources[1], fake)):
        clips = [source.clip(place) for place in _spread(kept, 16)]
        columns = min(4, len(clips))
        clips = clips[: len(clips) // columns * columns]
        _write(folder / f"{name}.mp4", torch.stack(clips), columns, source)
        shown.append((f"{name}.mp4", f"{name} clips"))
    places = _spread(fake, NEIGHBOURS)
    rows = torch.isin(fake.places, torch.tensor(places)).nonzero()[:, 0]
    _, neighbours = nearest(fake.features[rows], real.features)
    above = [sources[1].clip(int(place)) for place in fake.places[rows]]
    below = [sources[0].clip(int(place)) for place in real.places[neighbours]]
    _write(folder / "nearest.mp4", torch.stack(above + below), len(above), sources[1])
    return [*shown, ("nearest.mp4", "generated clips, and below each the real clip nearest to it")]


def _spread(kept: Measured, count: int) -> list[int]:
    """At most ``count`` places of a set, evenly spread."""
    count = min(count, len(kept))
    return [int(kept.places[index * len(kept) // count]) for index in range(count)]


def _write(path: Path, clips: Tensor, columns: int, source: Source) -> None:
    grid = rearrange(clips, "(rows columns) t c h w -> t c (rows h) (columns w)", columns=columns)
    with VideoWriter(path, frame_rate=source.frame_rate) as writer:
        writer.write(to_uint8(grid))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _video(source: str, caption: str) -> str:
    tag = f"<video src='{escape(source)}' autoplay loop muted playsinline></video>"
    return f"<figure>{tag}<figcaption>{escape(caption)}</figcaption></figure>"


def _figure(caption: str, drawing: str) -> str:
    box = f"viewBox='-4 -4 {WIDTH + 8} {HEIGHT + 8}'"
    return (
        f"<figure><svg width='{WIDTH}' height='{HEIGHT}' {box}>{drawing}</svg>"
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )
