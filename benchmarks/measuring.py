"""What the benchmarks share: a heading with device and versions, repeated timing, tables, and plots as SVG."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from statistics import median

import torch

from videogan.device import environment

WIDTH, HEIGHT, MARGIN = 420, 200, 40
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
    about = environment(device)
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
    """Draw lines over steps that are the same distance apart; each begins at its first value, written as 1."""
    largest = max(y / points[0][1] for points in series.values() for _, y in points)
    most = max(len(points) for points in series.values())
    drawn, names = [], []
    for number, (name, points) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        places = [
            (MARGIN + WIDTH * i / max(1, most - 1), MARGIN + HEIGHT * (1 - y / points[0][1] / largest))
            for i, (_, y) in enumerate(points)
        ]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        drawn.append(f"<polyline points='{line}' fill='none' stroke='{colour}' stroke-width='1.5'/>")
        drawn += [
            f"<text x='{x:.1f}' y='{y - 5:.1f}' font-size='10' fill='{colour}'>{at:g}</text>"
            for (x, y), (at, _) in zip(places, points, strict=True)
        ]
        names.append(f"<tspan fill='{colour}'>{escape(name)}</tspan>")
    head = f"{escape(title)}, {escape(unit)} beside the first, 0 to {largest:.3g}: {', '.join(names)}"
    size = f"width='{WIDTH + 2 * MARGIN}' height='{HEIGHT + 2 * MARGIN}'"
    text = f"<text x='8' y='16' font-family='sans-serif' font-size='12'>{head}</text>"
    path.write_text(f"<svg xmlns='http://www.w3.org/2000/svg' {size}>{text}{''.join(drawn)}</svg>\n", encoding="utf-8")
