"""Neither the first stream, nor the first picture, nor the whole picture speaks for what is to be shown."""

import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from video_samples import all_frames, encode, moving_frames

from videogan.errors import VideoError
from videogan.video import VideoReader, probe

NO_B_FRAMES = {"bf": "0", "crf": "5"}


def combs(frame: np.ndarray) -> float:
    """How much neighbouring rows alternate."""
    return float(np.abs(np.diff(frame.astype(int).mean(-1), 2, axis=0)).mean())


def test_a_stream_without_packets_is_passed_over(tmp_path: Path) -> None:
    frames = moving_frames(12)
    path = tmp_path / "a.ts"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("libx264", rate=25, options=NO_B_FRAMES) for _ in range(2)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts, picture.time_base = number, Fraction(1, 25)
            container.mux(streams[1].encode(picture))
        container.mux(streams[1].encode(None))
    assert (probe(path).num_frames, probe(path).width) == (12, 64)
    assert np.abs(all_frames(path).astype(int) - frames).mean() < 5


def test_a_stream_that_does_not_decode_is_passed_over(tmp_path: Path) -> None:
    frames = moving_frames(12)
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        broken = container.add_stream("libx264", rate=25)
        good = container.add_stream("mpeg4", rate=25, options={"qscale": "2"})
        for stream in (broken, good):
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number, frame in enumerate(frames):
            packet = av.Packet(b"\0\0\0\1\x65" + bytes(100))
            packet.pts = packet.dts = number
            packet.time_base, packet.stream, packet.is_keyframe = Fraction(1, 25), broken, True
            container.mux(packet)
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts, picture.time_base = number, Fraction(1, 25)
            container.mux(good.encode(picture))
        container.mux(good.encode(None))
    assert (probe(path).codec, probe(path).status) == ("mpeg4", "ok")
    assert np.abs(all_frames(path).astype(int) - frames).mean() < 8


def recording_that_changes(path: Path, first: np.ndarray, then: np.ndarray, options: dict[str, str]) -> Path:
    """A transport stream whose second part is encoded in another way; the clock goes on."""
    one = encode(path.with_name("one.ts"), first, options=NO_B_FRAMES)
    pts = list(range(len(first), len(first) + len(then)))
    other = encode(path.with_name("other.ts"), then, options={**NO_B_FRAMES, **options}, pts=pts)
    path.write_bytes(one.read_bytes() + other.read_bytes())
    return path


def test_interlacing_that_begins_on_the_way_is_undone(tmp_path: Path) -> None:
    frames = moving_frames(21, 96, 128)
    frames[:, :, 40:70] = 255 * (np.arange(96)[:, None, None] // 48 % 2 == np.arange(21)[:, None, None, None] % 2)
    woven = frames[10:20].copy()
    woven[:, 1::2] = frames[11:21, 1::2]
    path = recording_that_changes(tmp_path / "a.ts", frames[:10], woven, {"x264-params": "interlaced=1:tff=1"})
    shown = all_frames(path)
    assert len(shown) == 20
    assert combs(woven[5]) > 10
    assert max(combs(frame) for frame in shown[11:]) < 3
    with VideoReader(path) as reader:
        assert np.array_equal(reader.read([3, 14, 15]), shown[[3, 14, 15]])
        assert np.array_equal(reader.read([9, 10, 11]), shown[[9, 10, 11]])


def test_a_phone_that_is_turned_while_it_records(tmp_path: Path) -> None:
    wide, high = moving_frames(10, 48, 96), moving_frames(10, 96, 48)
    path = recording_that_changes(tmp_path / "a.ts", wide, high, {})
    with VideoReader(path, size=(24, 24)) as reader:
        frames = np.stack(list(reader.frames())).astype(int)
        assert np.array_equal(reader.read([2, 17]), frames[[2, 17]])
    # The middle square of each part, a half in size.
    expected = [part.reshape(10, 24, 2, 24, 2, 3).mean((2, 4)) for part in (wide[:, :, 24:72], high[:, 24:72])]
    assert np.abs(frames - np.concatenate(expected)).mean() < 5


def test_frames_that_rise_are_decoded_once(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", moving_frames(400, 16, 16), options={"g": "12", "crf": "20"})
    with VideoReader(path) as reader:
        source = reader._source
        decode, packets = source.decode, []  # type: ignore[attr-defined]
        source.decode = lambda packet: packets.append(packet) or decode(packet)  # type: ignore[attr-defined, func-returns-value]
        reader.read(range(400))
    assert 400 <= len(packets) < 420


def boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    while start < end:
        size, name = struct.unpack(">I4s", data[start : start + 8])
        yield name, start, start + size
        start += size


def with_box_in_sample_entry(data: bytes, box: bytes) -> bytes:
    """Put a box behind the others of the one sample entry of an MP4 whose index is at the end."""
    grown, start, end = bytearray(data), 0, len(data)
    for parent in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"):
        _, start, end = next(entry for entry in boxes(data, start, end) if entry[0] == parent)
        grown[start : start + 4] = struct.pack(">I", end - start + len(box))
        start += 8
    entry_size = struct.unpack(">I", data[start + 8 : start + 12])[0]
    grown[start + 8 : start + 12] = struct.pack(">I", entry_size + len(box))
    at = start + 8 + entry_size
    return bytes(grown[:at]) + box + bytes(grown[at:])


def bordered(height: int, width: int, top: int, left: int, inner: np.ndarray) -> np.ndarray:
    """Frames (t h w c) of red with others inside."""
    frames = np.full((len(inner), height, width, 3), (255, 0, 0), np.uint8)
    frames[:, top : top + inner.shape[1], left : left + inner.shape[2]] = inner
    return frames


@pytest.mark.parametrize(("left", "top"), [(0, 0), (8, 4), (30, 15)])
def test_a_clean_aperture_is_all_that_is_shown(tmp_path: Path, left: int, top: int) -> None:
    inner = moving_frames(8, 48, 66)
    whole = encode(tmp_path / "whole.mov", bordered(64, 96, top, left, inner), options={"crf": "1"})
    numbers = (66, 1, 48, 1, 2 * left + 66 - 96, 2, 2 * top + 48 - 64, 2)
    path = tmp_path / "a.mov"
    path.write_bytes(with_box_in_sample_entry(whole.read_bytes(), struct.pack(">I4sIIIIiIiI", 40, b"clap", *numbers)))
    assert (probe(path).width, probe(path).height) == (66, 48)
    shown = all_frames(path)
    assert np.abs(shown[:, 2:-2, 2:-2].astype(int) - inner[:, 2:-2, 2:-2]).mean() < 5
    with VideoReader(path) as reader:
        assert np.array_equal(reader.read([5, 2]), shown[[5, 2]])
    with VideoReader(path, size=(24, 33)) as reader:
        assert next(reader.frames()).mean() == pytest.approx(shown[0].mean(), abs=1)


@pytest.mark.parametrize("numbers", [(0, 1, 48, 1, 0, 1, 0, 1), (66, 0, 48, 1, 0, 1, 0, 1), (200, 1, 9, 1, 0, 1, 0, 1)])
def test_an_aperture_that_cannot_be_is_none(tmp_path: Path, numbers: tuple[int, ...]) -> None:
    whole = encode(tmp_path / "whole.mov", moving_frames(4, 64, 96))
    path = tmp_path / "a.mov"
    path.write_bytes(with_box_in_sample_entry(whole.read_bytes(), struct.pack(">I4sIIIIiIiI", 40, b"clap", *numbers)))
    assert (probe(path).width, probe(path).height) == (96, 64)


def test_matroska_crops_by_elements(tmp_path: Path) -> None:
    def tag(stream: av.video.stream.VideoStream) -> None:
        context = stream.codec_context
        context.colorspace, context.color_range, context.color_primaries, context.color_trc = 6, 1, 6, 6

    inner = moving_frames(8, 48, 66)
    whole = encode(tmp_path / "whole.mkv", bordered(64, 96, 10, 20, inner), options={"crf": "1"}, prepare=tag)
    data = bytearray(whole.read_bytes())
    at = data.index(b"\x55\xb0")  # the colours, in whose place the crop and a void go
    length = 3 + (data[at + 2] & 0x7F)
    edges = {0x54AA: 6, 0x54BB: 10, 0x54CC: 20, 0x54DD: 10}
    crop = b"".join(struct.pack(">HBB", name, 0x81, pixels) for name, pixels in edges.items())
    assert length >= len(crop) + 2
    data[at : at + length] = crop + bytes((0xEC, 0x80 | (length - len(crop) - 2))) + bytes(length - len(crop) - 2)
    path = tmp_path / "a.mkv"
    path.write_bytes(data)
    assert (probe(path).width, probe(path).height) == (66, 48)
    assert np.abs(all_frames(path)[:, 2:-2, 2:-2].astype(int) - inner[:, 2:-2, 2:-2]).mean() < 5


@pytest.mark.parametrize("fragmented", [False, True])
def test_a_table_that_claims_more_samples_than_bytes_is_refused(tmp_path: Path, fragmented: bool) -> None:
    path = tmp_path / "a.mp4"
    flags = {"movflags": "frag_keyframe+empty_moov"} if fragmented else {}
    with av.open(str(path), "w", container_options=flags) as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "yuv420p"
        for number in range(4):
            picture = av.VideoFrame(16, 16, "yuv420p")
            picture.pts, picture.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    assert probe(path).num_frames == 4
    data = bytearray(path.read_bytes())
    at = data.index(b"trun") + 8 if fragmented else data.index(b"stsz") + 12
    assert struct.unpack(">I", data[at : at + 4]) == (4,)
    data[at : at + 4] = struct.pack(">I", 100_000_000)
    path.write_bytes(data)
    with pytest.raises(VideoError, match="claims 100000000 pictures or sounds in a file of"):
        probe(path)
