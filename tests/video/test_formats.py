from fractions import Fraction

import av
import pytest

from videogan.errors import UsageError
from videogan.video import as_frame_rate
from videogan.video.formats import HEADED_FORMATS, HEADERLESS_FORMATS, VIDEO_SUFFIXES


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (25, Fraction(25)),
        (12.5, Fraction(25, 2)),
        (23.976, Fraction(24000, 1001)),
        (29.97, Fraction(30000, 1001)),
        (59.94, Fraction(60000, 1001)),
        (Fraction(30000, 1001), Fraction(30000, 1001)),
        (0.1, Fraction(1, 10)),
        (23.5, Fraction(47, 2)),
    ],
)
def test_frame_rates(value: float | Fraction, expected: Fraction) -> None:
    assert as_frame_rate(value) == expected


@pytest.mark.parametrize("value", [0, -1, 1001, float("nan"), float("inf"), 1e-12])
def test_impossible_frame_rates(value: float) -> None:
    with pytest.raises(UsageError, match="frame_rate"):
        as_frame_rate(value)


def test_no_playlist_may_be_opened() -> None:
    allowed = set(HEADED_FORMATS.split(",")) | set(HEADERLESS_FORMATS.split(","))
    refused = {
        "hls",
        "dash",
        "concat",
        "image2",
        "sdp",
        "rtsp",
        "lavfi",
        "tee",
        "imf",
        "vapoursynth",
        "rtp",
        "webm_dash_manifest",
    }
    assert not allowed & refused


def test_allowed_formats_exist() -> None:
    demuxers = {name for entry in av.formats_available for name in entry.split(",")}
    assert set(HEADED_FORMATS.split(",")) - demuxers <= {"3gp", "m4a", "mj2", "mp4"}
    assert not set(HEADERLESS_FORMATS.split(",")) - demuxers


def test_suffixes_are_lower_case() -> None:
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in VIDEO_SUFFIXES)
    assert {".mp4", ".webm", ".gif", ".webp"} <= VIDEO_SUFFIXES
