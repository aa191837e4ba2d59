"""Files on which the decoder or its binding raises, or whose time stamps lie: each is one bad or salvaged video."""

import gc
import io
import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from video_samples import all_frames, encode, moving_frames

from videogan.errors import VideoError
from videogan.video import VideoReader, VideoWriter, probe


def test_side_data_without_a_name_in_the_binding_is_passed_over(tmp_path: Path) -> None:
    """EXIF in a JPEG: PyAV's list of kinds lacks it, and raises ValueError for the whole picture."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise by a quarter
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for number, frame in enumerate(moving_frames(5)):
            file = io.BytesIO()
            Image.fromarray(frame).save(file, "JPEG", exif=exif, quality=95)
            packet = av.Packet(file.getvalue())
            packet.pts = packet.dts = number
            packet.time_base, packet.stream, packet.is_keyframe = Fraction(1, 25), stream, True
            container.mux(packet)
    with av.open(str(path)) as container, pytest.raises(ValueError, match="not a valid Type"):
        len(next(container.decode(video=0)).side_data)
    info = probe(path)
    assert (info.width, info.height, info.num_frames, info.status) == (48, 64, 5, "ok")
    turned = np.rot90(moving_frames(5)[0], k=-1).astype(int)
    assert np.abs(all_frames(path)[0] - turned).mean() < 6


def broken_apng(path: Path) -> Path:
    """An animation whose second picture is said to have more compressed data than a 31-bit number can count."""
    noise = np.random.default_rng(0)
    pictures = [Image.fromarray(noise.integers(0, 255, (32, 48, 3), np.uint8)) for _ in range(3)]
    pictures[0].save(path, "PNG", save_all=True, append_images=pictures[1:])
    data = bytearray(path.read_bytes())
    at = data.index(b"fdAT") - 4
    data[at] = 0x80
    path.write_bytes(data)
    return path


def test_an_error_between_packets_ends_the_video_and_not_the_caller(tmp_path: Path) -> None:
    path = broken_apng(tmp_path / "a.apng")
    with av.open(str(path)) as container, pytest.raises(av.FFmpegError):
        list(container.demux(video=0))
    with pytest.raises(VideoError):
        probe(path)
    with pytest.raises(VideoError), VideoReader(path) as reader:
        reader.read([0])


def test_what_cannot_be_scaled_is_one_bad_video(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mkv", np.zeros((3, 2, 8192, 3), np.uint8), codec="ffv1", options={})
    with VideoReader(path, size=(512, 512)) as reader:
        with pytest.raises(VideoError, match=r"a\.mkv"):
            reader.read([0])
        with pytest.raises(VideoError, match=r"a\.mkv"):
            next(reader.frames())


def test_a_title_in_another_encoding_is_no_reason_to_refuse(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "caf#"
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number, frame in enumerate(moving_frames(4)):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts, picture.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    data = path.read_bytes()
    assert b"caf#" in data
    path.write_bytes(data.replace(b"caf#", b"caf\xe9"))
    assert probe(path).num_frames == 4


HOUR = 3_600_000
GAPS = {
    "a pause of an hour": [40 * n + HOUR * (n >= 12) for n in range(24)],
    "a first time of 0 and then the clock's": [0] + [1_700_000_000_000 + 40 * n for n in range(1, 24)],
    "fourteen hours between frames": [14 * HOUR * n for n in range(3)],
}


@pytest.mark.parametrize(("name", "longest"), [(name, 31 if len(pts) == 3 else 2) for name, pts in GAPS.items()])
def test_gaps_in_time_stamps_do_not_last(tmp_path: Path, name: str, longest: float) -> None:
    pts = GAPS[name]
    path = encode(tmp_path / "a.nut", moving_frames(len(pts)), pts=pts, time_base=Fraction(1, 1000))
    info = probe(path)
    assert info.status == "salvaged"
    assert "gaps of more than 10 seconds" in info.reason
    assert info.num_frames == len(pts)
    assert info.duration_seconds < longest
    with VideoReader(path, frame_rate=25) as reader:
        assert len(reader) <= 25 * longest
        assert set(reader.numbers) == set(range(len(pts)))
        assert np.array_equal(reader.read([len(reader) - 1])[0], all_frames(path)[-1])


def test_a_pause_that_can_be_believed_is_shown(tmp_path: Path) -> None:
    pts = [0, 40, 80, 9_000, 9_040]
    path = encode(tmp_path / "a.mkv", moving_frames(5), pts=pts, time_base=Fraction(1, 1000))
    assert probe(path).status == "ok"
    with VideoReader(path, frame_rate=25) as reader:
        assert len(reader) == 227
        assert reader.numbers.count(2) == 223


def test_frames_a_tick_apart_are_taken_for_25_a_second(tmp_path: Path) -> None:
    path = encode(
        tmp_path / "a.mp4", moving_frames(20), pts=list(range(20)), time_base=Fraction(1, 90_000), rate=90_000
    )
    info = probe(path)
    assert (info.status, info.num_frames, info.frame_rate) == ("salvaged", 20, 25)
    with VideoReader(path, frame_rate=25) as reader:
        assert list(reader.numbers) == list(range(20))
        assert np.array_equal(reader.read([7, 3]), all_frames(path)[[7, 3]])


def test_probe_and_reader_agree_where_the_first_pictures_lost_their_key_frame(tmp_path: Path) -> None:
    """Cut out of a stream with open groups of pictures: what is shown before the first key frame does not decode."""
    options = {"g": "10", "x264-params": "open-gop=1:bframes=3:b-adapt=0:scenecut=0"}
    whole = encode(tmp_path / "whole.mkv", moving_frames(40), options=options)
    path = tmp_path / "cut.mkv"
    with av.open(str(whole)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        keys = 0
        for packet in source.demux(video=0):
            keys += packet.is_keyframe
            if packet.size and keys >= 2:
                packet.stream = stream
                target.mux(packet)
    with VideoReader(path) as reader:
        count = len(reader)
        assert count == probe(path).num_frames == sum(1 for _ in reader.frames())
        assert len(reader.read(range(count))) == count


def resident() -> int:
    """Bytes of memory that the process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_closed_readers_hold_no_pictures(tmp_path: Path) -> None:
    """200 readers of 2 MP pictures, with the garbage collector off: pictures in cycles would be 600 MB."""
    path = tmp_path / "a.mp4"
    with VideoWriter(path, preset="ultrafast") as writer:
        writer.write(np.zeros((3, 1080, 1920, 3), np.uint8))

    def open_and_close() -> None:
        probe(path)
        with VideoReader(path, size=(32, 32)) as reader:
            reader.read([1])

    gc.collect()
    gc.disable()
    try:
        for _ in range(5):
            open_and_close()
        before = resident()
        for _ in range(100):
            open_and_close()
        grown = resident() - before
    finally:
        gc.enable()
    assert grown < 60 << 20
