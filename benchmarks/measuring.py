"""What the benchmarks share: a heading with device and versions, repeated timing, tables, and plots as SVG."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log2
from pathlib import Path
from statistics import median

import torch

from videogan.artifacts.provenance import environment
from videogan.device import describe

WIDTH, HEIGHT, MARGIN, LABEL = 420, 200, 40, 70
COLOURS = ("#3366cc", "#dc3912", "#109618", "#990099", "#ff9900")


@dataclass(frozen=True)
class Spread:
    """Median, smallest and largest of some repetitions."""

    median: float
    smallest: float
    largest: float

    def __str__(self) -> str:
        return f"{self.median:,.4g} ({self.smallest:,.4g} to {self.largest:,.4g})"


def spread(values: Sequence[float]) -> Spread:
    """Return the median of some values and their range."""
    return Spread(median(values), min(values), max(values))


def heading(device: torch.device) -> str:
    """Return one line that names device and versions."""
    about = environment(describe(device))
    versions = ", ".join(f"{name} {about[name]}" for name in ("torch", "av", "numpy"))
    return f"{about['device']}, {versions}, python {about['python']}"


def synchronise(device: torch.device) -> None:
    """Wait until a GPU has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds(work: Callable[[], object], device: torch.device, *, rounds: int, warm_up: int = 2) -> list[float]:
    """Return how long ``work`` took in each of some rounds, after some that do not count."""
    times = []
    for number in range(warm_up + rounds):
        synchronise(device)
        begin = time.perf_counter()
        work()
        synchronise(device)
        if number >= warm_up:
            times.append(time.perf_counter() - begin)
    return times


def table(names: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table in Markdown."""
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join("| " + " | ".join(map(str, cells)) + " |" for cells in lines)


def write_plot(path: Path, title: str, series: dict[str, Sequence[tuple[float, float]]], unit: str) -> None:
    """Draw how y grows with x, each line beside its own first point, both axes in doublings.

    Cost in proportion to its cause is a line along the diagonal of the grid.
    """
    lines = {
        name: [(log2(x / points[0][0]), log2(y / points[0][1])) for x, y in points] for name, points in series.items()
    }
    across, up = zip(*(point for line in lines.values() for point in line), strict=True)
    right, low, high = max(1, ceil(max(across))), min(0, floor(min(up))), max(1, ceil(max(up)))

    def place(x: float, y: float) -> tuple[float, float]:
        return MARGIN + WIDTH * x / right, MARGIN + HEIGHT * (high - y) / (high - low)

    drawn = [f"<text x='8' y='18'>{escape(title)}: {escape(unit)}, both axes in multiples of the first value</text>"]
    for x in range(right + 1):
        drawn.append(_grid(place(x, low), place(x, high)))
        drawn.append(f"<text x='{place(x, low)[0] - 6:.1f}' y='{place(x, low)[1] + 16:.1f}'>x{2.0**x:g}</text>")
    for y in range(low, high + 1):
        drawn.append(_grid(place(0, y), place(right, y)))
        drawn.append(f"<text x='6' y='{place(0, y)[1] + 4:.1f}'>x{2.0**y:g}</text>")
    for number, (name, line) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        path_of = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in line))
        drawn.append(f"<polyline points='{path_of}' fill='none' stroke='{colour}' stroke-width='2'/>")
        first, last = series[name][0][0], series[name][-1][0]
        x, y = place(*line[-1])
        drawn.append(
            f"<text x='{x + 5:.1f}' y='{y + 4:.1f}' fill='{colour}'>{escape(name)} {first:g} to {last:g}</text>"
        )
    size = (
        f"width='{WIDTH + 2 * MARGIN + LABEL}' height='{HEIGHT + 2 * MARGIN}' font-family='sans-serif' font-size='12'"
    )
    background = "<rect width='100%' height='100%' fill='white'/>"
    whole = f"<svg xmlns='http://www.w3.org/2000/svg' {size}>{background}{''.join(drawn)}</svg>\n"
    path.write_text(whole, encoding="utf-8")


def _grid(start: tuple[float, float], end: tuple[float, float]) -> str:
    ends = f"x1='{start[0]:.1f}' y1='{start[1]:.1f}' x2='{end[0]:.1f}' y2='{end[1]:.1f}'"
    return f"<line {ends} stroke='#ddd'/>"
