import socket
import threading
from fractions import Fraction
from pathlib import Path

import av
import imageio.v3 as iio
import numpy as np
import pytest
from video_samples import encode, moving_frames

from videogan.errors import MissingPathError, VideoError
from videogan.video import VideoReader, probe
from videogan.video.probe import open_source, probe_with_frames, read_comment


def test_an_ordinary_file(clip_path: Path) -> None:
    info = probe(clip_path)
    assert (info.width, info.height, info.num_frames, info.frame_rate) == (64, 48, 60, 25)
    assert (info.codec, info.rotation, info.status, info.reason) == ("h264", 0, "ok", "")
    assert info.duration_seconds == pytest.approx(2.4)
    assert info.path == clip_path


def test_a_relative_path(clip_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clip_path.parent)
    assert probe("clip.mp4").num_frames == 60


def test_rates_blurred_by_milliseconds(tmp_path: Path) -> None:
    for rate in (Fraction(24000, 1001), Fraction(30000, 1001), Fraction(30), Fraction(24)):
        pts = [round(1000 * number / rate) for number in range(40)]
        path = encode(tmp_path / "a.flv", moving_frames(40), pts=pts, time_base=Fraction(1, 1000), rate=1000)
        assert probe(path).frame_rate == rate


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "flv", "avi"])
def test_a_cut_off_file_is_salvaged(tmp_path: Path, suffix: str) -> None:
    options = {"crf": "5"} if suffix != "avi" else {}
    codec = "mpeg4" if suffix == "avi" else "libx264"
    whole = tmp_path / f"whole.{suffix}"
    if suffix == "mp4":
        with av.open(str(whole), "w", container_options={"movflags": "faststart"}) as container:
            stream = container.add_stream("libx264", rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            for number, frame in enumerate(moving_frames(250)):
                picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
                picture.pts, picture.time_base = number, Fraction(1, 25)
                container.mux(stream.encode(picture))
            container.mux(stream.encode(None))
    else:
        encode(whole, moving_frames(250), codec=codec, options=options)
    data = whole.read_bytes()
    path = tmp_path / f"cut.{suffix}"
    path.write_bytes(data[: len(data) * 6 // 10])
    info = probe(path)
    assert info.status == "salvaged"
    assert "cut off" in info.reason
    assert 50 < info.num_frames < 200
    with VideoReader(path) as reader:
        assert sum(1 for _ in reader.frames()) == info.num_frames


def test_a_stream_that_begins_between_key_frames_is_salvaged(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.ts", moving_frames(60), options={"g": "30", "crf": "5", "x264-params": "scenecut=0"})
    data = path.read_bytes()
    path.write_bytes(data[len(data) // 4 // 188 * 188 :])
    info = probe(path)
    assert info.status == "salvaged"
    assert "key frame" in info.reason
    assert 0 < info.num_frames <= 60


def test_missing() -> None:
    with pytest.raises(MissingPathError, match="no such file"):
        probe("/does/not/exist.mp4")


def reason_for(path: Path) -> str:
    with pytest.raises(VideoError) as caught:
        probe(path)
    assert caught.value.path == path
    assert caught.value.reason
    assert "\n" not in str(caught.value).replace(str(path), "")
    return caught.value.reason


def test_what_is_no_file(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe.mp4")
    assert "named pipe" in reason_for(tmp_path / "pipe.mp4")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket.mp4"))
        assert "a socket" in reason_for(tmp_path / "socket.mp4")
    assert "a device" in reason_for(Path("/dev/zero"))
    (tmp_path / "loop.mp4").symlink_to("loop.mp4")
    assert "symbolic links" in reason_for(tmp_path / "loop.mp4")
    (tmp_path / "dangling.mp4").symlink_to("nowhere")
    assert "does not exist" in reason_for(tmp_path / "dangling.mp4")
    (tmp_path / "dir.mp4").mkdir()
    assert "numbered images" in reason_for(tmp_path / "dir.mp4")
    (tmp_path / "empty.mp4").touch()
    assert "empty" in reason_for(tmp_path / "empty.mp4")
    (tmp_path / "text.mp4").write_text("hello " * 700)
    reason_for(tmp_path / "text.mp4")
    (tmp_path / "nul.mp4").write_bytes(bytes(10_000))
    reason_for(tmp_path / "nul.mp4")


def test_a_link_to_a_video(tmp_path: Path, clip_path: Path) -> None:
    (tmp_path / "link.mp4").symlink_to(clip_path)
    assert probe(tmp_path / "link.mp4").num_frames == 60


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{url}\n#EXT-X-ENDLIST\n"),
        ("hls.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{url}\n#EXT-X-ENDLIST\n"),
        ("concat.mp4", "ffconcat version 1.0\nfile '{url}'\n"),
        ("b.ffconcat", "ffconcat version 1.0\nfile '{path}'\n"),
        ("c.mpd", '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{url}</BaseURL></MPD>'),
        ("d.sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"),
        ("e.mp4", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"),
    ],
)
def test_a_playlist_opens_nothing(tmp_path: Path, clip_path: Path, name: str, text: str) -> None:
    visits = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)

        def listen() -> None:
            try:
                visits.append(server.accept())
            except OSError:
                return

        thread = threading.Thread(target=listen)
        thread.start()
        path = tmp_path / name
        path.write_text(text.format(url=f"http://127.0.0.1:{server.getsockname()[1]}/a.mp4", path=clip_path))
        reason_for(path)
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert visits == []


def test_a_local_playlist_is_refused_too(tmp_path: Path, clip_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_text(f"ffconcat version 1.0\nfile '{clip_path}'\n")
    assert "not read as a video" in reason_for(path)


def test_a_picture_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "a.mp4"
    with av.open(str(source), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "qp": "40", "threads": "1"})
        stream.width = stream.height = 6400
        stream.pix_fmt = "yuv420p"
        # Not an empty frame: what memory happens to hold can make a packet that is larger than FFmpeg probes.
        black = np.zeros((6400 * 3 // 2, 6400), np.uint8)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(black, format="yuv420p")))
        container.mux(stream.encode(None))
    for suffix in ("mkv", "flv", "ts"):
        with av.open(str(source)) as whole, av.open(str(tmp_path / f"a.{suffix}"), "w") as copy:
            stream = copy.add_stream_from_template(whole.streams.video[0])
            for packet in whole.demux(video=0):
                if packet.size:
                    packet.stream = stream
                    copy.mux(packet)
    for suffix in ("mp4", "mkv", "flv", "ts"):
        assert "6400x6400 are larger than the limit" in reason_for(tmp_path / f"a.{suffix}")


def test_sound_and_pictures_are_no_video(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert reason_for(tmp_path / "sound.mp4") == "no video stream"
    iio.imwrite(tmp_path / "a.png", np.zeros((8, 8, 3), np.uint8))
    assert reason_for(tmp_path / "a.png") == "a still image (PNG), not a video"
    for suffix in ("gif", "webp"):
        iio.imwrite(tmp_path / f"a.{suffix}", np.zeros((8, 8, 3), np.uint8))
        assert "still image" in reason_for(tmp_path / f"a.{suffix}")


def test_comment_of_what_has_none(tmp_path: Path) -> None:
    with pytest.raises(MissingPathError):
        read_comment(tmp_path / "none.mp4")
    path = encode(tmp_path / "a.mkv", moving_frames(2))
    assert read_comment(path) is None


@pytest.mark.parametrize("rate", [None, Fraction(10)])
def test_frames_decoded_by_probing_are_those_of_the_reader(clip_path: Path, tmp_path: Path, rate: Fraction) -> None:
    damaged = tmp_path / "damaged.mp4"
    data = bytearray(clip_path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 200] = bytes(200)
    damaged.write_bytes(data)
    interlaced = {"crf": "5", "flags": "+ilme+ildct", "x264-params": "tff=1"}
    encode(tmp_path / "interlaced.mp4", moving_frames(12), options=interlaced)
    iio.imwrite(tmp_path / "held.gif", moving_frames(6), duration=[40, 80, 40, 40, 120, 40], loop=0)
    given = 0
    for path in (clip_path, damaged, tmp_path / "interlaced.mp4", tmp_path / "held.gif"):
        info, frames = probe_with_frames(path, size=(16, 16), fit="crop", frame_rate=rate, limit=1 << 20)
        assert info == probe(path)
        if frames is not None:
            given += 1
            with VideoReader(path, size=(16, 16), frame_rate=rate) as reader:
                np.testing.assert_array_equal(frames, np.stack(list(reader.frames())))
    assert given >= 3
    assert probe_with_frames(clip_path, size=(16, 16), fit="crop", frame_rate=rate, limit=1_000)[1] is None


def test_a_list_made_while_decoding_is_that_of_the_packets(clip_path: Path) -> None:
    expected = open_source(clip_path).index()
    for pixels in (0, 59 * 48 * 64, 1 << 40):  # nothing, one picture too few, all
        source = open_source(clip_path)
        index = source.index(budget=pixels)
        for column in ("pts", "key_pts", "key_dts"):
            np.testing.assert_array_equal(getattr(index, column), getattr(expected, column))
        assert index.faults == expected.faults
        numbers = [number for number, _ in source.pick(index, [3, 41])]
        assert numbers == [3, 41]
