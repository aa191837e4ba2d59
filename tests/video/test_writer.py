import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from read_video import read_video
from video_samples import moving_frames, names_in, psnr

from videogan.errors import MissingPathError, UsageError
from videogan.video import VideoWriter, probe
from videogan.video.writer import CODECS, OUTPUT_SUFFIXES


@pytest.mark.parametrize("rate", [23.976, Fraction(30000, 1001), 25, 12.5, 1, 60, 29.97, Fraction(1, 2), 240])
def test_frame_count_and_rate_are_exact(tmp_path: Path, rate: Fraction | float) -> None:
    frames = moving_frames(31)
    with VideoWriter(tmp_path / "a.mp4", frame_rate=rate) as writer:
        writer.write(frames)
    info = probe(tmp_path / "a.mp4")
    expected = {23.976: Fraction(24000, 1001), 29.97: Fraction(30000, 1001)}.get(rate, Fraction(rate))
    assert info.num_frames == 31
    assert info.frame_rate == expected
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        times = sorted(packet.pts * stream.time_base for packet in container.demux(stream) if packet.size)
    assert times == [number / expected for number in range(31)]


def test_frames_in_any_portion_give_the_same_video(tmp_path: Path) -> None:
    frames = moving_frames(10)
    for name, portions in (("a", [frames]), ("b", list(frames)), ("c", [frames[:3], frames[3], frames[4:]])):
        with VideoWriter(tmp_path / f"{name}.mp4") as writer:
            for portion in portions:
                writer.write(portion)
    first = (tmp_path / "a.mp4").read_bytes()
    assert (tmp_path / "b.mp4").read_bytes() == first
    assert (tmp_path / "c.mp4").read_bytes() == first


def test_views_and_transposed_arrays(tmp_path: Path) -> None:
    frames = moving_frames(4, 64, 48)[:, ::-1, ::2].transpose(0, 2, 1, 3)
    with VideoWriter(tmp_path / "a.mp4", crf=5) as writer:
        writer.write(frames)
    assert psnr(read_video(tmp_path / "a.mp4")[0], frames) > 35


def test_finish_keeps_what_was_written_so_far(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with pytest.raises(KeyboardInterrupt), VideoWriter(path) as writer:
        writer.write(moving_frames(9))
        writer.finish()
        writer.finish()
        raise KeyboardInterrupt
    assert probe(path).num_frames == 9
    assert names_in(tmp_path) == ["a.mp4"]
    with pytest.raises(ValueError, match="already finished"):
        writer.write(moving_frames(1))


@pytest.mark.parametrize("suffix", [*OUTPUT_SUFFIXES, ""])
def test_an_error_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(RuntimeError, match="boom"), VideoWriter(tmp_path / f"a{suffix}") as writer:
        writer.write(moving_frames(9))
        raise RuntimeError("boom")
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("suffix", [*OUTPUT_SUFFIXES, ""])
def test_the_name_appears_only_when_finished(tmp_path: Path, suffix: str) -> None:
    with VideoWriter(tmp_path / f"a{suffix}") as writer:
        writer.write(moving_frames(3))
        assert not (tmp_path / f"a{suffix}").exists()
    assert names_in(tmp_path) == [f"a{suffix}"]


@pytest.mark.parametrize("suffix", [*OUTPUT_SUFFIXES, ""])
def test_no_frame_is_an_error(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(UsageError, match="no frame was written"), VideoWriter(tmp_path / f"a{suffix}") as writer:
        writer.write(np.zeros((0, 8, 8, 3), np.uint8))
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("suffix", [*OUTPUT_SUFFIXES, ""])
def test_existing_output_is_replaced_only_when_asked(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    for frames in (moving_frames(4), moving_frames(2)):
        with VideoWriter(path, overwrite=len(frames) == 2) as writer:
            writer.write(frames)
    with pytest.raises(UsageError, match="--yes"):
        VideoWriter(path)
    if suffix != ".png":
        assert len(read_video(path)[0]) == 2
    assert names_in(tmp_path) == [path.name]


def test_a_folder_with_other_files_is_never_replaced(tmp_path: Path) -> None:
    for name in ("out", "b.mp4", f"c.{os.getpid()}.part"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "thesis.txt").write_text("dear")
    for name in ("out", "b.mp4", "c"):
        with pytest.raises(UsageError, match="choose another name"):
            VideoWriter(tmp_path / name, overwrite=True)
        assert len(list(tmp_path.glob("*/thesis.txt"))) == 3


def test_a_device_is_never_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(UsageError, match="not a regular file"):
        VideoWriter(tmp_path / "pipe.mp4", overwrite=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"frame_rate": 0}, "frame_rate 0"),
        ({"frame_rate": -1}, "frame_rate -1"),
        ({"frame_rate": float("nan")}, "frame_rate nan"),
        ({"frame_rate": float("inf")}, "frame_rate inf"),
        ({"frame_rate": 10**6}, "at most 1000"),
        ({"crf": 52}, "crf 52"),
        ({"preset": "medum"}, "did you mean 'medium'"),
        ({"gop": 0}, "gop 0"),
    ],
)
def test_wrong_arguments(tmp_path: Path, arguments: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        VideoWriter(tmp_path / "a.mp4", **arguments)


def test_wrong_paths(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"did you mean '\.mp4'.*\.webm"):
        VideoWriter(tmp_path / "a.mp5")
    with pytest.raises(MissingPathError, match="no such folder"):
        VideoWriter(tmp_path / "none" / "a.mp4")


@pytest.mark.parametrize(
    "frames",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((1, 0, 4, 3), np.uint8),
    ],
)
def test_wrong_frames(tmp_path: Path, frames: np.ndarray) -> None:
    with pytest.raises(UsageError, match="must be uint8"), VideoWriter(tmp_path / "a.mp4") as writer:
        writer.write(frames)


def test_one_video_has_one_size(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="one size"), VideoWriter(tmp_path / "a.mp4") as writer:
        writer.write(moving_frames(2, 8, 8))
        writer.write(moving_frames(2, 8, 10))
    assert names_in(tmp_path) == []


def test_an_encoder_that_refuses_is_one_line(tmp_path: Path) -> None:
    from videogan.errors import VideoganError

    with pytest.raises(VideoganError, match="cannot be written") as caught, VideoWriter(tmp_path / "a.mp4") as writer:
        writer.write(np.zeros((2, 20000, 3), np.uint8))
    assert "\n" not in str(caught.value)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    "name", ["with space.mp4", "ünï-日本.mp4", "-dash.mp4", "colon:a.mp4", "%d.mp4", "new\nline.mp4"]
)
def test_odd_names(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with VideoWriter(name) as writer:
        writer.write(moving_frames(3))
    assert names_in(tmp_path) == [name]
    assert probe(name).num_frames == 3


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.mp4"))
    with VideoWriter(path) as writer:
        writer.write(moving_frames(3))
    assert names_in(tmp_path) == [os.fsdecode(b"\xff\xfe.mp4")]
    assert probe(path).num_frames == 3


@pytest.mark.parametrize("suffix", [".mp4", ".png", ""])
def test_a_name_as_long_as_file_systems_allow(tmp_path: Path, suffix: str) -> None:
    name = "é" * ((255 - len(suffix)) // 2) + "x" * ((255 - len(suffix)) % 2) + suffix
    assert len(os.fsencode(name)) == 255
    with VideoWriter(tmp_path / name) as writer:
        writer.write(moving_frames(3))
    assert names_in(tmp_path) == [name]
    with pytest.raises(UsageError, match="cannot be written"), VideoWriter(tmp_path / f"y{name}") as writer:
        writer.write(moving_frames(3))


CODE = """
import sys, time
import numpy as np
from videogan.video import VideoWriter
path, shade = sys.argv[1], int(sys.argv[2])
with VideoWriter(path, overwrite=True) as writer:
    writer.write(np.full((20, 32, 32, 3), shade, np.uint8))
    print("half", flush=True)
    sys.stdin.readline()
    writer.write(np.full((20, 32, 32, 3), shade, np.uint8))
"""


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.gif", "frames"])
def test_of_two_writers_of_one_name_the_last_to_end_wins(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    command = [sys.executable, "-c", CODE, str(path)]
    writers = [
        subprocess.Popen([*command, shade], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for shade in ("40", "200")
    ]
    for writer in writers:
        assert writer.stdout.readline() == "half\n"
    for writer, shade in zip(writers, (40, 200), strict=True):
        writer.communicate("go\n", timeout=60)
        assert writer.returncode == 0
        frames = read_video(path)[0]
        assert len(frames) == 40
        assert abs(frames.astype(int) - shade).max() < 8
    assert names_in(tmp_path) == [name]


@pytest.mark.parametrize("codec", CODECS[1:])
def test_an_encoder_that_does_not_open_is_replaced_and_said(codec: str, tmp_path: Path, caplog) -> None:
    if Path("/dev/nvidia0").exists():
        pytest.skip("it may open here")
    frames = moving_frames(12)
    for name, wanted in (("a", codec), ("b", CODECS[0])):
        with VideoWriter(tmp_path / f"{name}.mp4", codec=wanted) as writer:
            writer.write(frames)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    height, width = frames.shape[1:3]
    line = f"{tmp_path / 'a.mp4'}: {codec} does not open for {width} x {height} here; libx264 encodes it"
    assert [record.message for record in caplog.records] == [line]


def test_a_codec_is_one_of_ours_and_for_mp4(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'h264_nvenc'"):
        VideoWriter(tmp_path / "a.mp4", codec="h264_nvec")
    with pytest.raises(UsageError, match=r"codec h264_nvenc is for \.mp4"):
        VideoWriter(tmp_path / "a.webm", codec="h264_nvenc")
