"""report.html of an evaluation: figures, protocol, plots and side-by-side videos, for a browser without a server."""

from html import escape
from pathlib import Path

import torch
from torch import Tensor

from videogan.generation.video_stream import VideoStream
from videogan.metrics import html
from videogan.metrics.diversity import nearest
from videogan.metrics.measure import Measured
from videogan.metrics.report import Report
from videogan.metrics.sources import ClipSource

HEIGHT = 200
REAL, GENERATED = html.COLOURS[:2]
BINS = 24
GRID = 16
"""Clips of each set that are shown, in rows of four."""
NEIGHBOURS = 8
"""Generated clips that are shown above their nearest real ones."""
VIDEOS = {
    "real.mp4": "real clips",
    "generated.mp4": "generated clips",
    "nearest.mp4": "generated clips, and below each the real clip nearest to it",
}


def page(report: Report, real: Measured, fake: Measured) -> str:
    """Return the page; its videos lie beside it."""
    heading, *rows = report.table()
    legend = f"{html.coloured('real', REAL)} · {html.coloured('generated', GENERATED)}"
    warnings = "".join(f"<li>{escape(text)}</li>" for text in report.warnings)
    return html.page(
        f"{report.generated} against {report.real}",
        [
            f"<h2>Figures</h2>{html.table(rows, heading)}<ul>{warnings}</ul>",
            *_references(report),
            "<h2>Videos</h2>",
            *(html.video(name, caption) for name, caption in VIDEOS.items()),
            f"<h2>Plots</h2><p>{legend}</p>",
            html.drawing(
                scatter(real.features, fake.features), HEIGHT, "Features, along the real set's two main directions"
            ),
            html.drawing(histogram(real.energy, fake.energy), HEIGHT, "Motion energy of the clips"),
            f"<h2>Protocol</h2>{html.table({**report.protocol, **report.versions}.items())}",
        ],
    )


def _references(report: Report) -> list[str]:
    """The figures by which others are placed."""
    table = report.reference_table()
    about = "One half of the real set, as it is and spoilt, against the other half; generated clips against all of it."
    return [f"<h2>Real clips spoilt in known ways</h2><p>{about}</p>{html.table(table[1:], table[0])}"] if table else []


def scatter(real: Tensor, fake: Tensor) -> list[str]:
    """Draw both sets of features (n d), (m d) along the two directions in which the real ones vary most."""
    mean = real.double().mean(dim=0)
    _, _, directions = torch.linalg.svd(real.double() - mean, full_matrices=False)
    points = [(part.double() - mean) @ directions[:2].T for part in (real, fake)]
    both = torch.cat(points)
    low, span = both.amin(dim=0), (both.amax(dim=0) - both.amin(dim=0)).clamp_min(1e-12)
    circles = []
    for part, colour in zip(points, (REAL, GENERATED), strict=True):
        for x, *rest in ((part - low) / span).tolist():
            y = rest[0] if rest else 0.5
            at = f"cx='{html.WIDTH * x:.1f}' cy='{HEIGHT * y:.1f}'"
            circles.append(f"<circle {at} r='2' fill='{colour}' opacity='0.6'/>")
    return circles


def histogram(real: Tensor, fake: Tensor) -> list[str]:
    """Draw how the values (n), (m) of both sets are spread, from 0 to the largest, each set's share of clips a bin."""
    top = max(float(real.max()), float(fake.max()), 1e-12)
    shares = [torch.histc(part.float(), BINS, 0, top) / len(part) for part in (real, fake)]
    highest = max(float(share.max()) for share in shares)
    lines = []
    for share, colour in zip(shares, (REAL, GENERATED), strict=True):
        corners = []
        for number, value in enumerate(share.tolist()):
            y = HEIGHT * (1 - value / highest)
            corners += [(html.WIDTH * number / BINS, y), (html.WIDTH * (number + 1) / BINS, y)]
        lines.append(html.polyline(corners, colour))
    return lines


def write_videos(folder: Path, sources: tuple[ClipSource, ClipSource], real: Measured, fake: Measured) -> None:
    """Write grids of real and generated clips, and generated clips above the real ones nearest to them."""
    for name, source, measured in zip(VIDEOS, sources, (real, fake), strict=False):
        clips = [source.clip(index) for index in _spread(measured, GRID).tolist()]
        width = min(4, len(clips))
        clips = clips[: len(clips) // width * width]
        _write_grid(folder / name, torch.stack(clips), width, source)
    shown = fake.part(torch.isin(fake.indices, _spread(fake, NEIGHBOURS)).nonzero()[:, 0])
    _, neighbours = nearest(shown.features, real.features)
    above = [sources[1].clip(index) for index in shown.indices.tolist()]
    below = [sources[0].clip(index) for index in real.indices[neighbours].tolist()]
    _write_grid(folder / "nearest.mp4", torch.stack(above + below), len(above), sources[1])


def _spread(measured: Measured, count: int) -> Tensor:
    """The indices of at most ``count`` clips of a set, evenly spread."""
    count = min(count, len(measured))
    return measured.indices[[number * len(measured) // count for number in range(count)]]


def _write_grid(path: Path, clips: Tensor, width: int, source: ClipSource) -> None:
    VideoStream.of_clips(clips, source.frame_rate).grid(len(clips) // width).scaled().write([path])
