"""Tags of colour: range, matrix, transfer curve, primaries, transparency, bit depth."""

import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.format import names as pixel_formats
from PIL import Image
from video_samples import all_frames, encode

from videogan.errors import VideoError
from videogan.video import VideoReader, probe
from videogan.video.pipe import PipeWriter
from videogan.video.pixels import Converter

PATCHES = np.array(
    [(0, 0, 0), (255, 255, 255), (128, 128, 128), (200, 30, 60), (30, 180, 70), (40, 60, 200), (220, 200, 40)], np.uint8
)
BT709, BT2020, P3 = 1, 9, 12
PQ, HLG = 16, 18
BT709_TO_BT2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
BT2020_LUMA = np.array([0.2627, 0.6780, 0.0593])


def patches(height: int = 16, width: int = 16) -> np.ndarray:
    """Squares of one colour each, side by side (h w 3)."""
    return np.repeat(np.repeat(PATCHES[None], height, 0), width, 1)


def middles(frame: np.ndarray) -> np.ndarray:
    """Return the colour in the middle of each patch."""
    return frame[8, 8::16].astype(int)


def converted(picture: av.VideoFrame, size: tuple[int, int] | None = None) -> np.ndarray:
    return Converter(picture, Fraction(1), size).convert(picture)


def tagged(codes: np.ndarray, transfer: int, primaries: int) -> av.VideoFrame:
    """Return a picture of RGB codes (h w 3) in [0, 1]."""
    picture = av.VideoFrame.from_ndarray((codes * 65535 + 0.5).astype(np.uint16), format="rgb48le")
    picture.color_trc, picture.color_primaries = transfer, primaries
    return picture


def display_light() -> np.ndarray:
    """Return BT.2020 light (h w 3) in candela per square metre, from deep shadow to a lamp, grey and coloured."""
    hues = np.array([(1, 1, 1), (1, 0.5, 0.3), (0.3, 1, 0.6), (0.4, 0.5, 1)])
    return np.geomspace(0.1, 600, 64)[:, None, None] * hues[None]


def pq_codes(light: np.ndarray) -> np.ndarray:
    """SMPTE ST 2084."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    root = (light / 10_000) ** m1
    return np.asarray(((c1 + c2 * root) / (1 + c3 * root)) ** m2)


def hlg_codes(light: np.ndarray) -> np.ndarray:
    """BT.2100 for a display of 1000 candela per square metre: the inverse of its system gamma, then its curve."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    luma = (light / 1000) @ BT2020_LUMA
    scene = (light / 1000) * luma[..., None] ** (1 / 1.2 - 1)
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), a * np.log(np.maximum(12 * scene - b, 1e-9)) + c)


def test_hlg_is_shown_as_pq_is() -> None:
    light = display_light()
    of_pq = converted(tagged(pq_codes(light), PQ, BT2020)).astype(int)
    of_hlg = converted(tagged(hlg_codes(light), HLG, BT2020)).astype(int)
    assert np.abs(of_pq - of_hlg).max() <= 2
    assert of_pq.min() == 0
    assert of_pq.max() > 240


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv420p10le", "yuv422p10le", "yuv444p12le", "p010le", "gbrp10le"])
@pytest.mark.parametrize("transfer", [1, PQ, HLG])
@pytest.mark.parametrize("size", [None, (16, 48), (96, 300)])
def test_video_of_a_wide_gamut_has_the_colours_of_its_rgb(
    pixel_format: str, transfer: int, size: tuple[int, int] | None
) -> None:
    # What cameras store is luma and chroma; smooth, so that half the chroma is enough.
    light = np.repeat(display_light()[24:], 4, 0)[:160, :, None].repeat(16, 2).reshape(160, 64, 3)
    codes = {1: (light / 600) ** (1 / 2.4), PQ: pq_codes(light), HLG: hlg_codes(light)}[transfer]
    rgb = tagged(codes, transfer, BT2020)
    video = rgb.reformat(format=pixel_format, dst_colorspace=9, interpolation="BILINEAR", threads=1)
    video.color_trc, video.color_primaries, video.colorspace = transfer, BT2020, 9
    wide, expected = (converted(picture, size).astype(int) for picture in (video, rgb))
    assert np.abs(wide - expected)[:, wide.shape[1] // 8 :: wide.shape[1] // 4].mean() <= 2.5


@pytest.mark.parametrize("transfer", [1, 2, 14])
def test_sdr_in_a_wide_gamut_is_brought_to_bt709(transfer: int) -> None:
    shown = patches()
    wide = ((shown / 255) ** 2.4 @ BT709_TO_BT2020.T).clip(0, 1) ** (1 / 2.4)
    result = converted(tagged(wide, transfer, BT2020)).astype(int)
    assert np.abs(result - shown).max() <= 2
    assert np.abs((255 * wide).round() - shown).max() > 20


def test_p3_keeps_grey_and_makes_colours_stronger() -> None:
    result = middles(converted(tagged(patches() / 255, 13, P3)))
    assert np.abs(result[:3] - PATCHES[:3]).max() <= 1
    assert result[3, 0] > 205
    assert result[3, 1] < 25


@pytest.mark.parametrize("pixel_format", ["gray", "gray10le", "gray12le", "ya8"])
@pytest.mark.parametrize("size", [None, (8, 40)])
def test_grey_of_limited_range(pixel_format: str, size: tuple[int, int] | None) -> None:
    levels = np.repeat(np.array([16, 71, 126, 181, 235], np.uint8)[None], 16, 0)
    grey = av.VideoFrame.from_ndarray(np.repeat(levels, 16, 1), format="gray")
    picture = grey.reformat(format=pixel_format, threads=1)
    for color_range, expected in ((1, [0, 64, 128, 192, 255]), (2, levels[0]), (0, levels[0])):
        picture.color_range = color_range
        frame = converted(picture, size)
        assert (
            np.abs(
                frame[0, frame.shape[1] // 10 :: frame.shape[1] // 5].astype(int) - np.array(expected)[:, None]
            ).max()
            <= 2
        )


def test_grey_of_limited_range_in_a_file(tmp_path: Path) -> None:
    pixels = np.repeat(np.repeat(np.array([[0, 128, 255]], np.uint8), 16, 0), 16, 1)
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx265", rate=25, options={"x265-params": "log-level=none:range=limited:qp=0"})
        stream.width, stream.height, stream.pix_fmt = 48, 16, "gray"
        for number in range(3):
            limited = (16 + pixels.astype(int) * 219 / 255).round().astype(np.uint8)
            picture = av.VideoFrame.from_ndarray(limited, format="gray")
            picture.pts, picture.time_base, picture.color_range = number, Fraction(1, 25), 1
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    assert np.abs(all_frames(path)[..., 0].astype(int) - pixels).max() <= 2


def images_with_transparency() -> list[str]:
    """Every pixel format of RGB or grey with an alpha channel that FFmpeg can make."""
    names = []
    for name in sorted(pixel_formats):
        components = av.VideoFormat(name).components
        if any(component.is_alpha for component in components) and (
            av.VideoFormat(name).is_rgb or len(components) == 2
        ):
            names.append(name)
    return names


def test_every_format_with_transparency_lies_over_white() -> None:
    pixels = np.full((16, 16, 4), 100, np.uint8)
    pixels[:, 8:] = (0, 0, 0, 0)
    image = av.VideoFrame.from_ndarray(pixels, format="rgba")
    expected = converted(image).astype(int)
    assert expected[0, 0, 0] == round(100 * 100 / 255 + 155)
    tried = []
    for name in images_with_transparency():
        try:
            picture = image.reformat(format=name, threads=1)
        except (OSError, ValueError):  # FFmpeg reads it but does not write it
            continue
        tried.append(name)
        assert np.abs(converted(picture).astype(int) - expected).max() <= 2, name
    assert {"rgba", "argb", "gbrap", "ya8", "rgba64be", "gbrap10le"} <= set(tried)


def test_a_video_with_an_alpha_plane_shows_what_was_filmed() -> None:
    pixels = np.full((16, 16, 4), 100, np.uint8)
    pixels[..., 3] = 0
    picture = av.VideoFrame.from_ndarray(pixels, format="rgba").reformat(format="yuva420p", threads=1)
    assert np.abs(converted(picture).astype(int) - 100).max() <= 2


def test_grey_with_transparency_in_an_animation(tmp_path: Path) -> None:
    grey = [Image.new("LA", (16, 12), (0, 0)) for _ in range(3)]
    for number, image in enumerate(grey):
        image.paste((40 * number, 255), (4, 4, 12, 8))
    for name, mode in (("la.apng", "LA"), ("rgba.apng", "RGBA")):
        images = [image.convert(mode) for image in grey]
        images[0].save(tmp_path / name, "PNG", save_all=True, append_images=images[1:], duration=40)
    assert np.array_equal(all_frames(tmp_path / "la.apng"), all_frames(tmp_path / "rgba.apng"))
    assert all_frames(tmp_path / "la.apng")[2, 0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize("pixel_format", ["rgb555be", "rgb565be", "bgr555be", "bgr565be", "rgb555le", "bgr565le"])
@pytest.mark.parametrize("size", [None, (8, 56)])
def test_sixteen_bits_a_pixel_in_either_byte_order(pixel_format: str, size: tuple[int, int] | None) -> None:
    picture = av.VideoFrame.from_ndarray(patches(), format="rgb24").reformat(format=pixel_format, threads=1)
    frame = converted(picture, size)
    shown = frame[frame.shape[0] // 2, frame.shape[1] // 14 :: frame.shape[1] // 7].astype(int)
    assert np.abs(shown - PATCHES).max() <= 12


def test_raw_pixels_of_sixteen_bits_in_a_file(tmp_path: Path) -> None:
    path = encode(
        tmp_path / "a.mov",
        np.stack([patches()] * 3),
        codec="rawvideo",
        options={},
        prepare=lambda stream: setattr(stream, "pix_fmt", "rgb555be"),
    )
    assert np.abs(middles(all_frames(path)[0]) - PATCHES).max() <= 8


def test_own_y4m_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "a.y4m"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    with PipeWriter(descriptor, "y4m", Fraction(25)) as writer:
        writer.write(np.stack([patches()] * 3))
    os.close(descriptor)
    assert np.abs(middles(all_frames(path)[0]) - PATCHES).max() <= 4


def test_y4m_of_other_programs_is_bt601(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.y4m", np.stack([patches()] * 3), codec="wrapped_avframe", options={})
    assert np.abs(middles(all_frames(path)[0]) - PATCHES).max() <= 4


def test_a_matrix_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    def tag(stream: av.video.stream.VideoStream) -> None:
        stream.codec_context.colorspace = 8  # YCgCo

    def mark(picture: av.VideoFrame) -> None:
        picture.colorspace = 8

    frames = np.stack([patches()] * 3)
    path = encode(tmp_path / "a.mkv", frames, codec="ffv1", options={}, prepare=tag, mark=mark)
    for read in (probe, VideoReader):
        with pytest.raises(VideoError, match=r"no RGB can be made of its colours \(pixel format yuv420p, matrix 8\)"):
            read(path)


def save_floats(folder: Path, values: np.ndarray) -> Path:
    folder.mkdir()
    for number in range(3):
        Image.fromarray(values.astype(np.float32)).save(folder / f"f_{number}.tif")
    return folder


def test_floating_point_is_zero_to_one_or_refused(tmp_path: Path) -> None:
    values = np.full((12, 16), 0.1)
    values[4:8, 4:8] = 0.9
    frames = all_frames(save_floats(tmp_path / "a", values))
    assert frames[0, 0, 0].tolist() == [26, 26, 26]
    assert frames[2, 5, 5].tolist() == [230, 230, 230]
    for number, wrong in enumerate((values * 255, values - 0.2, np.full_like(values, np.nan))):
        with pytest.raises(VideoError, match=r"f_0\.tif: its floating point numbers are not between 0 and 1"):
            probe(save_floats(tmp_path / f"b{number}", wrong))
