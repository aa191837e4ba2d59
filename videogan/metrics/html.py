"""What pages for a browser are made of: text that is escaped, tables, videos, and drawings as SVG."""

from collections.abc import Iterable, Sequence
from html import escape
from math import ceil, floor, log10

WIDTH = 420
COLOURS = ("#5b5bd6", "#e5484d", "#30a46c", "#d6409f", "#f76b15", "#0090ff", "#8e4ec6", "#86a300")
_LEFT, _BELOW, _EDGE = 48, 20, 8
"""Room for the numbers beside and below a drawing, and at its other sides."""
_TICKS = 4
_STYLE = """
:root { color-scheme: light dark; --back: #f5f5f7; --card: #fff; --ink: #1b1b1f; --soft: #62626d; --line: #dcdce3 }
@media (prefers-color-scheme: dark) {
  :root { --back: #111113; --card: #1b1b1f; --ink: #ededf0; --soft: #a0a0ab; --line: #32323a }
}
body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem;
  background: var(--back); color: var(--ink) }
h1, h2, p, figcaption { overflow-wrap: anywhere }
figure { display: inline-block; margin: 0 1rem 1rem 0; padding: 12px; vertical-align: top; max-width: 100%;
  box-sizing: border-box; background: var(--card); border-radius: 14px }
figcaption { color: var(--soft); font-size: 13px; max-width: 476px }
video { width: 320px; max-width: 100%; background: #000; border-radius: 8px }
svg { max-width: 100%; height: auto }
svg text { fill: var(--soft); font-size: 11px }
svg line { stroke: var(--line) }
pre { background: var(--card); border-radius: 14px; padding: 1rem; overflow-x: auto }
table { border-collapse: collapse; display: block; overflow-x: auto }
td, th { padding: 2px 1rem 2px 0; text-align: left; white-space: nowrap; border-bottom: 1px solid var(--line) }
"""


def page(title: str, body: Iterable[str], *, refresh_seconds: int | None = None) -> str:
    """Return a whole page; ``body`` is HTML, the title is text. With seconds it loads itself anew after so many."""
    refresh = "" if refresh_seconds is None else f"<meta http-equiv='refresh' content='{refresh_seconds}'>"
    head = (
        "<meta charset='utf-8'><meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"{refresh}<title>{escape(title)}</title><style>{_STYLE}</style>"
    )
    return "\n".join([f"<!doctype html><html lang='en'>{head}<h1>{escape(title)}</h1>", *body, "</html>"])


def table(rows: Iterable[Sequence[object]], heading: Sequence[str] = ()) -> str:
    """Return a table of texts."""
    lines = [_cells("th", heading)] if heading else []
    return f"<table>{''.join([*lines, *(_cells('td', row) for row in rows)])}</table>"


def video(source: str, caption: str) -> str:
    """Return a video that plays by itself, above its caption; ``source`` is its path beside the page."""
    tag = f"<video src='{escape(source)}' autoplay loop muted playsinline></video>"
    return f"<figure>{tag}<figcaption>{escape(caption)}</figcaption></figure>"


def drawing(elements: Iterable[str], height: int, caption: str) -> str:
    """Return SVG elements in a box of ``WIDTH`` by ``height`` above a caption, both HTML already."""
    width, whole = _LEFT + WIDTH + _EDGE, _EDGE + height + _BELOW
    box = f"width='{width}' height='{whole}' viewBox='{-_LEFT} {-_EDGE} {width} {whole}'"
    return f"<figure><svg {box}>{''.join(elements)}</svg><figcaption>{caption}</figcaption></figure>"


def axes(height: int, across: tuple[float, float], upwards: tuple[float, float]) -> list[str]:
    """Return lines and numbers for a box whose sides stand for the ranges ``across`` and ``upwards``."""
    marks = []
    for value in ticks(*upwards):
        y = height * (upwards[1] - value) / (upwards[1] - upwards[0])
        marks.append(f"<line x1='0' x2='{WIDTH}' y1='{y:.1f}' y2='{y:.1f}'/>")
        marks.append(f"<text x='-6' y='{y + 4:.1f}' text-anchor='end'>{value:.4g}</text>")
    for value in ticks(*across):
        x = WIDTH * (value - across[0]) / (across[1] - across[0])
        marks.append(f"<text x='{x:.1f}' y='{height + 15}' text-anchor='middle'>{value:.6g}</text>")
    return marks


def ticks(low: float, high: float) -> list[float]:
    """Return round numbers from ``low`` to ``high``, which must lie above it: about four, evenly spread."""
    rough = max((high - low) / _TICKS, 1e-300)
    power = 10.0 ** floor(log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    return [number * step for number in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]


def polyline(points: Iterable[tuple[float, float]], colour: str) -> str:
    """Return a line through points of a drawing, y downwards."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f"<polyline points='{path}' fill='none' stroke='{colour}' stroke-width='1.5'/>"


def coloured(text: str, colour: str) -> str:
    """Return text in a colour, for the legend of a drawing."""
    return f"<span style='color:{colour}'>{escape(text)}</span>"


def _cells(tag: str, cells: Sequence[object]) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(str(cell))}</{tag}>' for cell in cells)}</tr>"
