"""What pages for a browser are made of: text that is escaped, tables, videos, and drawings as SVG."""

from collections.abc import Iterable, Sequence
from html import escape

WIDTH = 420
COLOURS = ("#3366cc", "#dc3912", "#109618", "#990099", "#ff9900", "#0099c6", "#dd4477", "#66aa00")
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
figure { display: inline-block; margin: 0 1.5rem 1.5rem 0; vertical-align: top }
video { width: 320px; image-rendering: pixelated; background: #000 }
svg, pre { background: #f6f6f6 }
pre { padding: 1rem; overflow-x: auto }
table { border-collapse: collapse } td, th { padding: 0 1rem 0 0; text-align: left }
"""


def page(title: str, body: Iterable[str]) -> str:
    """Return a whole page; ``body`` is HTML, the title is text."""
    head = f"<meta charset='utf-8'><title>{escape(title)}</title><style>{_STYLE}</style>"
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
    box = f"width='{WIDTH}' height='{height}' viewBox='-4 -4 {WIDTH + 8} {height + 8}'"
    return f"<figure><svg {box}>{''.join(elements)}</svg><figcaption>{caption}</figcaption></figure>"


def polyline(points: Iterable[tuple[float, float]], colour: str) -> str:
    """Return a line through points of a drawing, y downwards."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f"<polyline points='{path}' fill='none' stroke='{colour}' stroke-width='1.5'/>"


def coloured(text: str, colour: str) -> str:
    """Return text in a colour, for the legend of a drawing."""
    return f"<span style='color:{colour}'>{escape(text)}</span>"


def _cells(tag: str, cells: Sequence[object]) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(str(cell))}</{tag}>' for cell in cells)}</tr>"
