"""For how long pictures are shown: animations whose pictures are held, last pictures, clocks that begin anew."""

import logging
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from video_samples import all_frames, encode, moving_frames

from videogan.video import VideoReader, VideoWriter, probe
from videogan.video.index import FrameIndex

HELD = [0, 1, 2, 3, 3, 3, 3, 3, 4, 5, 6, 7, 7, 7, 7, 7]
"""Which of eight pictures each of sixteen frames shows."""


def save_animation(path: Path, milliseconds: list[int] | int, count: int = 8, image_format: str | None = None) -> Path:
    """Write pictures of grey levels 20, 40, 60 ... with Pillow."""
    images = [Image.new("RGB", (16, 12), (20 * (number + 1),) * 3) for number in range(count)]
    images[0].save(
        path, image_format, save_all=True, append_images=images[1:], duration=milliseconds, loop=0, lossless=True
    )
    return path


def levels(path: Path, frame_rate: float | None = None) -> list[int]:
    """Return which picture each frame shows."""
    with VideoReader(path, frame_rate=frame_rate) as reader:
        shown = [round(float(frame.mean()) / 20) - 1 for frame in reader.frames()]
        assert [round(float(frame.mean()) / 20) - 1 for frame in reader.read(range(len(reader)))] == shown
    return shown


@pytest.mark.parametrize("name", ["a.webp", "a.gif", "a.apng"])
def test_held_pictures_are_frames_again(tmp_path: Path, name: str) -> None:
    shown = [100 * HELD.count(number) for number in range(8)]
    path = save_animation(tmp_path / name, shown, image_format="PNG" if name == "a.apng" else None)
    info = probe(path)
    assert (info.num_frames, info.frame_rate, info.duration_seconds, info.status) == (16, 10, 1.6, "ok")
    assert levels(path) == HELD
    assert levels(path, 5) == [number for number, _ in zip(HELD[::2], range(8), strict=True)]


@pytest.mark.parametrize("name", ["a.webp", "a.gif"])
@pytest.mark.parametrize("rate", [8, 12, Fraction(30000, 1001), 30, 40, 50])
def test_what_the_writer_joins_is_read_back(tmp_path: Path, name: str, rate: Fraction | int) -> None:
    pictures = moving_frames(8, 24, 32)
    with VideoWriter(tmp_path / name, frame_rate=rate) as writer:
        writer.write(pictures[HELD])
    info = probe(tmp_path / name)
    assert info.num_frames == 16
    assert float(16 / info.frame_rate) == pytest.approx(float(16 / rate), abs=0.011)  # GIF counts in 1/100 s
    assert info.duration_seconds == pytest.approx(16 / rate, abs=0.011)
    frames = all_frames(tmp_path / name).astype(int)
    assert np.abs(frames - pictures[HELD]).mean() < 8


@pytest.mark.parametrize("name", ["a.webp", "a.gif", "a.apng"])
@pytest.mark.parametrize("delay", [0, 10])
def test_delays_that_nobody_could_see_are_a_tenth_of_a_second(tmp_path: Path, name: str, delay: int) -> None:
    path = save_animation(tmp_path / name, delay, image_format="PNG" if name == "a.apng" else None)
    info = probe(path)
    assert (info.num_frames, info.frame_rate, info.duration_seconds) == (8, 10, pytest.approx(0.8))
    assert levels(path, 10) == list(range(8))


def test_a_last_picture_of_three_seconds(tmp_path: Path) -> None:
    path = save_animation(tmp_path / "a.gif", [100] * 7 + [3000])
    info = probe(path)
    assert (info.num_frames, info.frame_rate, info.duration_seconds) == (37, 10, pytest.approx(3.7))
    assert levels(path, 10) == [*range(7), *[7] * 30]


def test_delays_without_a_clock_are_pictures_once_each(tmp_path: Path) -> None:
    delays = [55, 20, 20, 40, 20, 70, 20, 33]
    path = save_animation(tmp_path / "a.webp", delays)
    assert probe(path).num_frames == 8
    assert levels(path) == list(range(8))
    assert probe(path).duration_seconds == pytest.approx(0.278)
    assert levels(path, 1000) == [number for number, delay in enumerate(delays) for _ in range(delay)]


def test_a_row_of_stills_is_not_filled_up(tmp_path: Path) -> None:
    info = probe(save_animation(tmp_path / "a.gif", [500, 1000, 500, 1000], count=4))
    assert (info.num_frames, info.duration_seconds) == (4, pytest.approx(3.0))


@pytest.mark.parametrize(("name", "fastest"), [("a.gif", 50), ("a.webp", 90)])
@pytest.mark.parametrize("rate", [60, 100, 120])
def test_delays_that_browsers_keep(
    tmp_path: Path, name: str, fastest: int, rate: int, caplog: pytest.LogCaptureFixture
) -> None:
    frames = moving_frames(rate // 2, 12, 16)
    with caplog.at_level(logging.WARNING), VideoWriter(tmp_path / name, frame_rate=rate) as writer:
        writer.write(frames)
    assert ("some are left out" in caplog.text) == (rate > fastest)
    with Image.open(tmp_path / name) as image:
        delays = []
        for number in range(image.n_frames):  # type: ignore[attr-defined]
            image.seek(number)
            image.load()
            delays.append(image.info["duration"])
    assert min(delays) > 10
    assert sum(delays) == pytest.approx(500, abs=15)
    assert len(delays) == min(fastest, rate) // 2


def test_a_last_frame_that_a_video_holds(tmp_path: Path) -> None:
    whole = encode(tmp_path / "whole.mp4", moving_frames(10), options={"bf": "0", "crf": "5"})
    path = tmp_path / "a.mkv"
    with av.open(str(whole)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        packets = [packet for packet in source.demux(video=0) if packet.size]
        packets[-1].duration = round(2 / packets[-1].time_base)
        for packet in packets:
            packet.stream = stream
            target.mux(packet)
    info = probe(path)
    assert (info.num_frames, info.frame_rate) == (10, 25)
    assert info.duration_seconds == pytest.approx(0.36 + 2)
    with VideoReader(path, frame_rate=10) as reader:
        assert len(reader) == 24


def test_a_clock_that_begins_anew_goes_on(tmp_path: Path) -> None:
    """Two recordings in one transport stream: sorted by time, the second would fall between the first one's frames."""
    options = {"bf": "0", "crf": "5"}
    frames = moving_frames(40)
    parts = [encode(tmp_path / f"{n}.ts", frames[20 * n : 20 * n + 20], options=options).read_bytes() for n in (0, 1)]
    path = tmp_path / "a.ts"
    path.write_bytes(b"".join(parts))
    info = probe(path)
    assert (info.num_frames, info.frame_rate, info.duration_seconds) == (40, 25, pytest.approx(1.6))
    in_order = all_frames(path)
    assert np.abs(in_order.astype(int) - frames).mean() < 5
    with VideoReader(path) as reader:
        assert np.array_equal(reader.read(range(40)), in_order)
    with VideoReader(path, frame_rate=5) as reader:
        assert list(reader.numbers) == [2, 7, 12, 17, 22, 27, 32, 37]
        assert np.array_equal(np.stack(list(reader.frames())), in_order[list(reader.numbers)])


def test_empty_packets_of_an_avi_hold_a_picture(tmp_path: Path) -> None:
    pts = [0, 1, 2, 9, 10, 17, 18, 29]
    path = encode(tmp_path / "a.avi", moving_frames(8), codec="mpeg4", pts=pts, options={"qscale": "2"})
    info = probe(path)
    assert (info.num_frames, info.status, info.duration_seconds) == (8, "ok", pytest.approx(1.2))
    with VideoReader(path, frame_rate=25) as reader:
        assert len(reader) == 30
        assert reader.numbers[8:11] == [2, 3, 4]


@pytest.mark.parametrize(
    ("pts", "last", "steps"),
    [
        ([0, 40, 80], 40, [40, 40, 40]),
        ([0, 40, 80], 0, [40, 40, 40]),
        ([0, 40, 3_600_000, 3_600_040], 40, [40, 40, 40, 40]),
        ([0, 40, 80, 0, 40, 80], 40, [40] * 6),
        ([0, 40, 80], 60_000, [40, 40, 40]),
        ([0, 40, 9_000], 500, [40, 8_960, 500]),
        ([7], 0, [40]),
        ([0, 50_000_000], 0, [40, 40]),
    ],
)
def test_steps_are_believed_up_to_ten_seconds(pts: list[int], last: int, steps: list[int]) -> None:
    index = FrameIndex.unseekable(np.array(pts), Fraction(1, 1000), nominal_rate=Fraction(25), last=last)
    assert index.steps.tolist() == steps
    assert index.duration == Fraction(sum(steps), 1000)
    assert np.diff(index.timestamps) == pytest.approx(np.array(steps[:-1]) / 1000)


def test_frames_at_a_rate_stay_in_time_where_pictures_do_not_decode(tmp_path: Path) -> None:
    """A picture that is lost shows the one before; those after it stay in their places."""
    path = tmp_path / "a.avi"
    frames = moving_frames(12)
    encode(path, frames, codec="mjpeg", options={"qscale": "2"}, prepare=lambda s: setattr(s, "pix_fmt", "yuvj420p"))
    whole = all_frames(path)
    data = bytearray(path.read_bytes())
    starts = [at for at in range(len(data) - 3) if data[at : at + 3] == b"\xff\xd8\xff"]
    end = starts[6] - 16  # the next picture's chunk begins before it
    data[starts[5] : end] = bytes(end - starts[5])
    path.write_bytes(data)
    with VideoReader(path, frame_rate=25) as reader:
        shown = list(reader.frames())
    assert len(shown) == 12
    assert np.array_equal(shown[5], whole[4])
    assert np.array_equal(shown[6:], whole[6:])
