from fractions import Fraction

import av
import numpy as np
import pytest

from videogan.video.colour import Light, to_sdr
from videogan.video.pixels import SCALER_FLAGS, Converter, Fit, Orientation

PQ = Light(transfer=16, primaries=9)


def picture(pixels: np.ndarray, pixel_format: str) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(pixels, format=pixel_format)


def converted(frame: av.VideoFrame, size: tuple[int, int] | None = None, fit: Fit = "crop") -> np.ndarray:
    return Converter(frame, Fraction(1), size, fit).convert(frame)


@pytest.mark.parametrize("pixel_format", ["rgb24", "bgr24", "rgba", "bgra", "gray", "rgb48le", "gray16le"])
def test_every_pixel_format_keeps_its_grey(pixel_format: str) -> None:
    level = 100
    channels = {"gray": (), "gray16le": (), "rgba": (4,), "bgra": (4,)}.get(pixel_format, (3,))
    wide = "16" in pixel_format or "48" in pixel_format
    pixels = np.full((16, 16, *channels), level * 257 if wide else level, np.uint16 if wide else np.uint8)
    if pixel_format in ("rgba", "bgra"):
        pixels[..., 3] = 255
    out = converted(picture(pixels, pixel_format))
    assert np.abs(out.astype(int) - level).max() <= 1


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuvj420p", "yuv420p10le"])
def test_ranges_are_told_apart(pixel_format: str) -> None:
    deep, full = "10" in pixel_format, "j" in pixel_format
    planes = np.full((24, 16), 512 if deep else 128, np.uint16 if deep else np.uint8)
    for level, expected in ((255 if full else 235, 255), (0 if full else 16, 0)):
        planes[:16] = level * (4 if deep else 1)
        frame = picture(planes, pixel_format)
        frame.color_range = 2 if full else 1
        out = converted(frame)
        assert np.abs(out.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("size", [(48, 64), (32, 32), (30, 40), (7, 9)])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuvj420p", "yuv444p", "nv12", "yuv420p10le", "rgb24", "rgba"])
def test_scaling_down_keeps_the_average(pixel_format: str, size: tuple[int, int]) -> None:
    red, green, blue = np.random.default_rng(0).integers(60, 180, (3, 96, 128)).astype(np.uint8)
    frame = picture(np.stack([red, green // 2, blue // 2 + 90], -1), "rgb24").reformat(
        format=pixel_format, interpolation=SCALER_FLAGS
    )
    whole = converted(frame)
    small = converted(frame, size=size, fit="stretch")
    np.testing.assert_allclose(small.mean((0, 1)), whole.mean((0, 1)), atol=0.2 if size[0] > 7 else 1)


def test_pq_is_mapped_to_an_ordinary_display() -> None:
    # Codes of 0, 1, 10, 50, 203, 1000 and 10000 candela per square metre.
    codes = np.array([0, 0.1503, 0.3004, 0.4400, 0.5807, 0.7518, 1.0])
    planes = np.full((24, 16), 512, np.uint16)
    levels = []
    for code in codes:
        planes[:16] = round(64 + 876 * code)
        frame = picture(planes, "yuv420p10le")
        frame.colorspace, frame.color_range, frame.color_trc, frame.color_primaries = 9, 1, 16, 9
        out = converted(frame, size=(4, 4))
        assert out.std() < 1
        levels.append(int(out[0, 0, 1]))
    assert levels == sorted(levels)
    assert levels[0] == 0
    assert 120 < levels[3] < 170
    assert 220 < levels[4] < 250
    assert levels[-1] >= 254


def test_pq_keeps_grey_grey_and_never_leaves_the_range() -> None:
    codes = np.repeat(np.linspace(0, 65535, 64).astype(np.uint16)[:, None, None], 3, axis=2)
    grey = to_sdr(codes, PQ).astype(int)
    assert np.abs(grey - grey.mean(-1, keepdims=True)).max() <= 1
    wild = to_sdr(np.random.default_rng(0).integers(0, 65536, (64, 64, 3)).astype(np.uint16), PQ)
    assert wild.dtype == np.uint8


def test_absurd_pixel_aspects_are_ignored() -> None:
    frame = av.VideoFrame(1920, 1080, "rgb24")
    assert Orientation().shown_size(frame, Fraction(60000, 1)) == (1080, 1920)
    assert Orientation().shown_size(frame, Fraction(1, 60000)) == (1080, 1920)
    assert Orientation(transpose=True).shown_size(frame, Fraction(2, 1)) == (3840, 1080)


@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize("rows", [False, True])
@pytest.mark.parametrize("columns", [False, True])
def test_orientation(transpose: bool, rows: bool, columns: bool) -> None:
    pixels = np.arange(24).reshape(4, 6, 1)
    turned = Orientation(transpose, rows, columns).apply(pixels)
    expected = pixels.transpose(1, 0, 2) if transpose else pixels
    expected = expected[::-1] if rows else expected
    expected = expected[:, ::-1] if columns else expected
    assert np.array_equal(turned, expected)


@pytest.mark.parametrize("size", [(16, 16), (8, 8), (20, 20)])
def test_transparent_images_lie_over_white(size: tuple[int, int]) -> None:
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[:, :8] = (200, 40, 0, 255)
    pixels[:, 8:] = (90, 90, 90, 0)
    out = converted(picture(pixels, "rgba"), size)
    assert np.abs(out[:, 1].astype(int) - (200, 40, 0)).max() <= 1
    assert np.abs(out[:, -2].astype(int) - 255).max() <= 1
    pixels[..., 3] = 127
    half = converted(picture(pixels, "rgba"), size)
    assert abs(int(half[0, 0, 1]) - round(40 * 127 / 255 + 128)) <= 1
