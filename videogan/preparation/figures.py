"""Videos nearer to filmed ones that need no download: jointed figures, cameras that move, grounds of many things.

Grounds are dead leaves: ellipses and slabs of every size that cover each other, whose edges are those of filmed scenes
(Lee, Mumford and Huang 2001, "Occlusion models for natural images"), so that networks learn from them much of what
they learn from photographs (Baradad et al. 2021, "Learning to see by looking at noise").
"""

import colorsys
import math

import numpy as np
from einops import reduce

from videogan.preparation.synthetic import check_drawn

FIGURES = ("camera", "figure", "both")
"""The classes: the camera moves, a figure moves, or both do."""

_SCALE = 2
"""A ground is drawn so many times as finely as it is shown."""
_MARGIN = 0.25
"""Share of the frame by which a ground is larger on each side: how far the camera can go."""


def moving_figures(index: int, *, seed: int = 0, size: int = 64, num_frames: int = 48) -> tuple[np.ndarray, str]:
    """A ground of slabs and ellipses, before which the camera, a jointed figure or both move.

    Args:
        index: which video of the set; its class is ``FIGURES[index % 3]``.
        seed: which set.
        size: height and width in pixels, at least 8.
        num_frames: frames to draw, at least 1.

    Returns:
        Frames, uint8 RGB ``t h w c``, and the class name. Ground, clothes and build are constant within a video.

    Raises:
        UsageError: a size or number of frames out of range.
    """
    check_drawn(size, num_frames)
    name = FIGURES[index % len(FIGURES)]
    rng = np.random.default_rng([seed, index])
    ground = _leaves(rng, math.ceil(size * (1 + 2 * _MARGIN)))
    reach = size * _MARGIN * (name != "figure")
    shift = size * _MARGIN + reach * _sway(rng, num_frames, 2)
    frames = np.stack([_window(ground, y, x, size) for y, x in shift])
    if name != "camera":
        frames = _with_figure(rng, frames, size, num_frames)
    return (frames.clip(0, 255) + 0.5).astype(np.uint8), name


def _leaves(rng: np.random.Generator, side: int) -> np.ndarray:
    """Return a ground (side, side, 3) in 0 to 255, of leaves whose radii follow a power law of exponent 3."""
    fine = side * _SCALE
    palette = _palette(rng, 6)
    image = np.broadcast_to(palette[0], (fine, fine, 3)).astype(np.float32).copy()
    smallest, largest = 0.06 * fine, 0.5 * fine
    for _ in range(int(rng.integers(2, 24))):
        # Radii between both bounds with density r^-3, by the inverse of their distribution.
        share = rng.uniform()
        radius = (smallest**-2 - share * (smallest**-2 - largest**-2)) ** -0.5
        _lay_leaf(rng, image, radius, palette)
    light = 1 + rng.uniform(-0.35, 0.35) * np.linspace(-1, 1, fine)[:, None, None]
    grain = rng.normal(0, rng.uniform(0, 6), (fine, fine, 1))
    image = image * light.astype(np.float32) + grain.astype(np.float32)
    shown: np.ndarray = reduce(image, "(h n) (w m) c -> h w c", "mean", n=_SCALE, m=_SCALE)
    return shown


def _lay_leaf(rng: np.random.Generator, image: np.ndarray, radius: float, palette: np.ndarray) -> None:
    """Cover a part of an image by an ellipse or a slab of one shaded colour."""
    fine = len(image)
    centre, angle, narrow = rng.uniform(0, fine, 2), rng.uniform(0, np.pi), rng.uniform(0.35, 1)
    if rng.uniform() < 0.5:  # upright, as most of what is built
        angle = 0.5 * np.pi * rng.integers(2)
    low = np.maximum(np.floor(centre - 1.5 * radius), 0).astype(int)
    high = np.minimum(np.ceil(centre + 1.5 * radius), fine).astype(int)
    if (high <= low).any():
        return
    y, x = np.mgrid[low[0] : high[0], low[1] : high[1]].astype(np.float32)
    y, x = y - centre[0], x - centre[1]
    u = (np.cos(angle) * x + np.sin(angle) * y) / radius
    v = (np.cos(angle) * y - np.sin(angle) * x) / (narrow * radius)
    inside = u * u + v * v < 1 if rng.uniform() < 0.5 else np.maximum(np.abs(u), np.abs(v)) < 1
    colour = palette[rng.integers(len(palette))] * rng.uniform(0.8, 1.2)
    shaded = colour + 30 * rng.uniform(-1, 1) * u[..., None]
    part = image[low[0] : high[0], low[1] : high[1]]
    part[inside] = shaded[inside]


def _palette(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return colours (count, 3) in 0 to 255 that go together: hues about one, of any brightness, mostly dull."""
    hue, spread = rng.uniform(), rng.choice([0.05, 0.15, 0.5])
    colours = [
        colorsys.hsv_to_rgb((hue + spread * rng.normal()) % 1, rng.beta(1.5, 3), rng.uniform(0.1, 0.95))
        for _ in range(count)
    ]
    return 255 * np.array(colours, np.float32)


def _sway(rng: np.random.Generator, num_frames: int, count: int) -> np.ndarray:
    """Return smooth paths (t, count) in -1 to 1: two sinusoids each, of 25 to 150 frames a period."""
    omega = 2 * np.pi / rng.uniform(25, 150, size=(count, 2))
    phase = rng.uniform(0, 2 * np.pi, size=(count, 2))
    time = np.arange(num_frames)[:, None, None]
    return np.sin(omega * time + phase).mean(-1)


def _window(ground: np.ndarray, y: float, x: float, size: int) -> np.ndarray:
    """Return the part (size, size, 3) of a ground whose top left corner lies at ``y, x``, between pixels linearly."""
    top, left = min(int(y), len(ground) - size - 1), min(int(x), len(ground) - size - 1)
    down, across = y - top, x - left
    part = ground[top : top + size + 1, left : left + size + 1]
    part = part[:-1] * (1 - down) + part[1:] * down
    return part[:, :-1] * (1 - across) + part[:, 1:] * across


def _with_figure(rng: np.random.Generator, frames: np.ndarray, size: int, num_frames: int) -> np.ndarray:
    """Lay a figure of a trunk, a head and four limbs of two parts over frames ``t h w c``."""
    height = size * rng.uniform(0.45, 0.8)
    hips = size * (0.5 + 0.2 * _sway(rng, num_frames, 2)) + np.array([0.05 * size, 0])
    lean = 0.25 * _sway(rng, num_frames, 1)[:, 0]
    shoulders = hips - 0.38 * height * _heading(lean)
    coat, trousers, skin = _palette(rng, 3)
    thick = height * rng.uniform(0.05, 0.08)
    parts: list[tuple[np.ndarray, np.ndarray, float, np.ndarray]] = []
    for joint, colour, length, swing in ((hips, trousers, 0.25, 0.8), (shoulders, coat, 0.2, 2.5)):
        for _ in range(2):
            # A limb hangs down from its joint and swings; its lower half bends by an angle of its own.
            angle = lean + rng.uniform(-0.5, 0.5) + swing * _sway(rng, num_frames, 1)[:, 0]
            bend = angle + 0.8 * _sway(rng, num_frames, 1)[:, 0]
            middle = joint + length * height * _heading(angle)
            end = middle + length * height * _heading(bend)
            parts += [(joint, middle, thick, colour), (middle, end, 0.8 * thick, colour)]
    parts.append((hips, shoulders, 1.9 * thick, coat))
    head = shoulders - 0.14 * height * _heading(lean)
    parts.append((head, head, 0.085 * height, skin))
    for begin, end, radius, colour in parts:
        coverage = np.clip(0.5 + radius - _distance(begin, end, size), 0, 1)[..., None]
        frames = frames + (colour - frames) * coverage
    return frames


def _heading(angle: np.ndarray) -> np.ndarray:
    """Return unit vectors (t, 2) as y, x; an angle of 0 points down."""
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def _distance(begin: np.ndarray, end: np.ndarray, size: int) -> np.ndarray:
    """Return the distance of each pixel's centre, (t, h, w), from the line from ``begin`` to ``end`` (t, 2)."""
    grid = np.arange(size) + 0.5
    y, x = grid[:, None] - begin[:, :1, None], grid[None] - begin[:, 1:, None]
    down, across = np.moveaxis((end - begin)[..., None, None], 1, 0)
    along = (y * down + x * across) / np.maximum(down * down + across * across, 1e-6)
    along = along.clip(0, 1)
    distance: np.ndarray = np.hypot(y - along * down, x - along * across)
    return distance
