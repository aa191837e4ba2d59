"""Videos that need no download: moving shapes and moving digits, drawn on the fly.

The generators are pure functions of ``(seed, index)`` and return ``(frames, class_name)`` with frames as uint8 RGB
``t h w c``. Classes take turns by index, so any run of consecutive indices is balanced.
"""

import colorsys
from functools import cache

import numpy as np

from videogan.errors import UsageError

SHAPES = ("circle", "square", "triangle")


def moving_shapes(
    index: int, *, seed: int = 0, size: int = 32, num_frames: int = 48, shape: str | None = None
) -> tuple[np.ndarray, str]:
    """One coloured shape gliding over a dark, softly graded background.

    Args:
        index: which video of the set; its class is ``SHAPES[index % 3]``.
        seed: which set.
        size: height and width in pixels, at least 8.
        num_frames: frames to draw, at least 1.
        shape: one of ``SHAPES``, drawn with the same colour on the same path in place of the index's own.

    Returns:
        Frames, uint8 RGB ``t h w c``, and the class name. Colour and diameter (35 to 45 % of the frame) are constant
        within a video; the typical speed is 1 to 1.6 px a frame at 32x32 and in proportion at other sizes.

    Raises:
        UsageError: a size or number of frames out of range.
    """
    check_drawn(size, num_frames)
    name = shape or SHAPES[index % len(SHAPES)]
    rng = np.random.default_rng([seed, index])
    radius = 0.5 * size * rng.uniform(0.35, 0.45)
    centre = _smooth_path(rng, num_frames, size=size, reach=0.9 * radius * _EXTENT[name])
    angle = _swing(rng, num_frames)
    background, colour = _dark_background(rng, size), _vivid_colour(rng)
    coverage = np.clip(0.5 - _signed_distance(name, radius, centre, angle, size), 0, 1)
    return _composite(background, colour, coverage), name


def moving_digits(
    index: int, *, seed: int = 0, size: int = 32, num_frames: int = 48, num_digits: int = 1
) -> tuple[np.ndarray, str]:
    """Handwritten digits (scikit-learn's 8x8 set, enlarged smoothly) that bounce off the borders.

    Args:
        index: which video of the set; its class is ``index % 10``.
        seed: which set.
        size: height and width in pixels, at least 8.
        num_frames: frames to draw, at least 1.
        num_digits: 1 or 2; with 2, both are written samples of the same digit.

    Returns:
        Frames, uint8 RGB ``t h w c``, and the class name ``"0"`` to ``"9"``.

    Raises:
        UsageError: an argument is out of range.
    """
    check_drawn(size, num_frames)
    if num_digits not in (1, 2):
        raise UsageError(f"num_digits must be 1 or 2, not {num_digits}")
    digit = index % 10
    rng = np.random.default_rng([seed, index])
    background, colour = _dark_background(rng, size), _vivid_colour(rng)
    coverage = np.zeros((num_frames, size, size), np.float32)
    for _ in range(num_digits):
        coverage = np.maximum(coverage, _moving_digit(rng, digit, size, num_frames))
    return _composite(background, colour, coverage), str(digit)


def stacked_digits(index: int, *, seed: int = 0, size: int = 32, num_frames: int = 48) -> tuple[np.ndarray, str]:
    """Three digits that bounce independently of each other, one in each colour channel, before black.

    The video form of StackedMNIST, by which the modes that a model makes are counted (Metz et al. 2017, section 3.3.1).

    Args:
        index: which video of the set; the three figures of ``index % 1000`` are the digits in red, green and blue.
        seed: which set.
        size: height and width in pixels, at least 8.
        num_frames: frames to draw, at least 1.

    Returns:
        Frames, uint8 RGB ``t h w c``, and the class name ``"000"`` to ``"999"``.

    Raises:
        UsageError: scikit-learn is not installed, or an argument is out of range.
    """
    check_drawn(size, num_frames)
    rng, name = np.random.default_rng([seed, index]), f"{index % 1000:03d}"
    coverage = np.stack([_moving_digit(rng, int(digit), size, num_frames) for digit in name], axis=-1)
    return (255 * coverage + 0.5).astype(np.uint8), name


# How far a shape of radius 1 reaches from its centre; square and triangle are scaled to look as large as the circle.
_EXTENT = {"circle": 1.0, "square": 0.9 * 2**0.5, "triangle": 1.45}


def check_drawn(size: int, num_frames: int) -> None:
    """Raise UsageError where a video of this size and length cannot be drawn."""
    if size < 8:
        raise UsageError(f"size must be at least 8 pixels, not {size}")
    if num_frames < 1:
        raise UsageError(f"num_frames must be at least 1, not {num_frames}")


def _moving_digit(rng: np.random.Generator, digit: int, size: int, num_frames: int) -> np.ndarray:
    """Return how much of each pixel a written sample of the digit covers as it bounces, (t, h, w) in 0 to 1."""
    extent = 0.5 * size * rng.uniform(0.95, 1.1)
    corner = _bouncing_path(rng, num_frames, size=size, extent=extent)
    samples = _digit_images()[digit]
    image = samples[rng.integers(len(samples))]
    down, across = (_taps(corner[:, axis], extent, size) for axis in (0, 1))
    drawn = np.einsum("tyi,ij,txj->tyx", down, image, across, optimize=True)
    return np.clip(drawn, 0, 1)


def _smooth_path(rng: np.random.Generator, num_frames: int, *, size: int, reach: float) -> np.ndarray:
    """Centre in pixels, (t, 2) as y, x: two slow sinusoids an axis, within ``reach`` of no border."""
    amplitude = max(size / 2 - reach, 0.1 * size)
    weight = rng.uniform(0.35, 0.65, size=(2, 1))
    weight = np.concatenate([weight, 1 - weight], axis=1)
    omega = rng.uniform(0.7, 1.5, size=(2, 2))
    phase = rng.uniform(0, 2 * np.pi, size=(2, 2))
    speed = size / 32 * rng.uniform(1.0, 1.6)
    omega *= speed / (amplitude * np.sqrt(0.5 * np.sum((weight * omega) ** 2)))
    time = np.arange(num_frames)[:, None, None]
    return size / 2 + amplitude * np.sum(weight * np.sin(omega * time + phase), axis=-1)


def _bouncing_path(rng: np.random.Generator, num_frames: int, *, size: int, extent: float) -> np.ndarray:
    """Top left corner in pixels, (t, 2) as y, x: straight lines reflected where the glyph would leave the frame."""
    room = max(size - extent, 1e-6)
    heading = rng.uniform(0, 2 * np.pi)
    velocity = size / 32 * rng.uniform(1.0, 1.6) * np.array([np.sin(heading), np.cos(heading)])
    unfolded = rng.uniform(0, room, size=2) + velocity * np.arange(num_frames)[:, None]
    return room - np.abs(np.mod(unfolded, 2 * room) - room)


def _swing(rng: np.random.Generator, num_frames: int) -> np.ndarray:
    """Angle in radians, (t,): leans by at most 22 degrees, too little for a square to look like a diamond."""
    lean, sway = np.deg2rad(rng.uniform(-10, 10)), np.deg2rad(rng.uniform(0, 12))
    return lean + sway * np.sin(rng.uniform(0.05, 0.12) * np.arange(num_frames) + rng.uniform(0, 2 * np.pi))


def _vivid_colour(rng: np.random.Generator) -> np.ndarray:
    hue, saturation, value = rng.uniform(0, 1), rng.uniform(0.8, 1), rng.uniform(0.9, 1)
    return 255 * np.array(colorsys.hsv_to_rgb(hue, saturation, value), np.float32)


def _dark_background(rng: np.random.Generator, size: int) -> np.ndarray:
    """(h, w, c) in 0 to 255: a dark colour that shifts by up to 20 levels from the top to the bottom."""
    top = rng.uniform(8, 40, size=3)
    bottom = np.clip(top + rng.uniform(-20, 20, size=3), 0, 48)
    down = np.linspace(0, 1, size)[:, None, None]
    return np.broadcast_to(top + (bottom - top) * down, (size, size, 3)).astype(np.float32)


def _signed_distance(name: str, radius: float, centre: np.ndarray, angle: np.ndarray, size: int) -> np.ndarray:
    """Distance in pixels from each pixel's centre to the outline, (t, h, w), negative inside."""
    grid = np.arange(size, dtype=np.float32) + 0.5
    y = (grid - centre[:, :1].astype(np.float32))[:, :, None]
    x = (grid - centre[:, 1:].astype(np.float32))[:, None, :]
    if name == "circle":
        return np.sqrt(x * x + y * y) - np.float32(radius)
    cos, sin = (f(angle).astype(np.float32)[:, None, None] for f in (np.cos, np.sin))
    u, v = cos * x + sin * y, cos * y - sin * x
    if name == "square":
        return np.maximum(np.abs(u), np.abs(v)) - np.float32(0.9 * radius)
    slanted = np.float32(3**0.5 / 2) * np.abs(u) - 0.5 * v
    return np.maximum(slanted, v) - np.float32(0.5 * _EXTENT["triangle"] * radius)


def _composite(background: np.ndarray, colour: np.ndarray, coverage: np.ndarray) -> np.ndarray:
    """Lay ``colour`` over ``background`` (h w c) by ``coverage`` (t h w, 0 to 1): uint8 ``t h w c``."""
    return (background + (colour - background) * coverage.astype(np.float32)[..., None] + 0.5).astype(np.uint8)


def _taps(corner: np.ndarray, extent: float, size: int) -> np.ndarray:
    """Weights (t, size, 8) that draw 8 samples over ``extent`` pixels from ``corner`` (t,), cubic (Catmull-Rom)."""
    step = extent / 8
    at = corner[:, None, None] + (np.arange(8) + 0.5) * step
    d = np.abs(np.arange(size)[:, None] + 0.5 - at) / step
    near, far = (1.5 * d - 2.5) * d * d + 1, ((-0.5 * d + 2.5) * d - 4) * d + 2
    return np.where(d < 1, near, np.where(d < 2, far, 0)).astype(np.float32)


@cache
def _digit_images() -> tuple[np.ndarray, ...]:
    """For each digit its samples, float32 (n, 8, 8) in 0 to 1."""
    from sklearn.datasets import load_digits  # type: ignore[import-untyped, unused-ignore]

    bunch = load_digits()
    images = bunch.images.astype(np.float32) / 16
    return tuple(images[bunch.target == digit] for digit in range(10))
