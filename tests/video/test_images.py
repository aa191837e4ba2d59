from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image
from read_video import read_video
from video_samples import moving_frames

from videogan.errors import MissingPathError, VideoError
from videogan.video import VideoReader, VideoWriter, probe, read_picture
from videogan.video.images import numbered_images


def write_images(folder: Path, frames: np.ndarray, pattern: str = "f_%04d.png") -> None:
    folder.mkdir(exist_ok=True)
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / (pattern % (number + 1)))


@pytest.mark.parametrize("pattern", ["f_%04d.png", "%d.png", "shot 2 - %03d.bmp", "%d.ppm", "IMG%05d.tiff"])
def test_a_folder_is_a_video(tmp_path: Path, pattern: str) -> None:
    frames = moving_frames(12)
    write_images(tmp_path / "a", frames, pattern)
    (tmp_path / "a" / "notes.txt").write_text("x")
    (tmp_path / "a" / ".thumb_1.png").write_bytes(b"x")
    info = probe(tmp_path / "a")
    assert (info.num_frames, info.frame_rate, info.width, info.height) == (12, 25, 64, 48)
    assert info.codec == pattern.rpartition(".")[2]
    assert np.array_equal(read_video(tmp_path / "a")[0], frames)
    with VideoReader(tmp_path / "a") as reader:
        assert np.array_equal(reader.read([2, 9, 9]), frames[[2, 9, 9]])
        assert reader.timestamps[3] == pytest.approx(0.12)


def test_numbers_sort_as_numbers(tmp_path: Path) -> None:
    write_images(tmp_path, np.zeros((12, 4, 4, 3), np.uint8), "%d.png")
    assert [path.stem for path in numbered_images(tmp_path)] == [str(number) for number in range(1, 13)]


@pytest.mark.parametrize("names", [[], ["a.png", "b.png"], ["a_1.png"], ["a_1.png", "b_2.png"], ["1.png", "2.jpg"]])
def test_other_folders_are_not_videos(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        iio.imwrite(tmp_path / name, np.zeros((4, 4, 3), np.uint8))
    assert numbered_images(tmp_path) == []
    with pytest.raises(VideoError, match="not a folder of numbered images"):
        probe(tmp_path)


@pytest.mark.parametrize("kind", ["grey", "grey16", "rgba", "palette", "black and white"])
def test_every_kind_of_image(tmp_path: Path, kind: str) -> None:
    grey = np.tile(np.arange(0, 256, 4, dtype=np.uint8), (8, 1))
    images = {
        "grey": Image.fromarray(grey),
        "grey16": Image.fromarray(grey.astype(np.uint16) * 257),
        "rgba": Image.fromarray(np.dstack([grey, grey, grey, np.full_like(grey, 128)])),
        "palette": Image.fromarray(grey).convert("P"),
        "black and white": Image.fromarray(grey).point(lambda level: 255 * (level > 127)).convert("1"),
    }
    for number in range(2):
        images[kind].save(tmp_path / f"{number}.png")
    expected = np.where(grey > 127, 255, 0) if kind == "black and white" else grey.astype(int)
    if kind == "rgba":
        expected = (expected * 128 + 255 * 127) // 255
    frame = read_video(tmp_path)[0][1].astype(int)
    assert np.abs(frame - expected[..., None]).max() <= 1


def test_a_broken_image_is_named(tmp_path: Path) -> None:
    write_images(tmp_path, moving_frames(4))
    (tmp_path / "f_0003.png").write_bytes((tmp_path / "f_0003.png").read_bytes()[:100])
    with pytest.raises(VideoError, match=r"f_0003\.png"):
        probe(tmp_path)
    with pytest.raises(VideoError, match=r"f_0003\.png"):
        read_video(tmp_path)


def test_images_of_other_sizes_are_scaled(tmp_path: Path) -> None:
    write_images(tmp_path, moving_frames(2))
    iio.imwrite(tmp_path / "f_0003.png", np.full((96, 128, 3), 200, np.uint8))
    frames = read_video(tmp_path)[0]
    assert frames.shape == (3, 48, 64, 3)
    assert (frames[2] == 200).all()


@pytest.mark.parametrize("side", [7000, 16000])
def test_an_image_that_would_fill_the_memory_is_refused(tmp_path: Path, side: int) -> None:
    for number in range(2):
        Image.new("1", (side, side)).save(tmp_path / f"{number}.png")
    with pytest.raises(VideoError, match=r"larger|exceeds"):
        probe(tmp_path)


def test_webp_reads_like_the_others(tmp_path: Path) -> None:
    frames = moving_frames(10)
    with VideoWriter(tmp_path / "a.webp") as writer:
        writer.write(frames)
    whole = read_video(tmp_path / "a.webp")[0]
    with VideoReader(tmp_path / "a.webp", size=(24, 32)) as reader:
        assert reader.read([1, 5]).shape == (2, 24, 32, 3)
        assert reader.timestamps == pytest.approx(np.arange(10) / 25)
    with VideoReader(tmp_path / "a.webp") as reader:
        assert np.array_equal(reader.read([1, 5, 9]), whole[[1, 5, 9]])
    assert probe(tmp_path / "a.webp").codec == "webp"


def test_a_cut_webp_is_rejected(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.webp") as writer:
        writer.write(moving_frames(10))
    data = (tmp_path / "a.webp").read_bytes()
    (tmp_path / "a.webp").write_bytes(data[: len(data) // 3])
    with pytest.raises(VideoError):
        read_video(tmp_path / "a.webp")


@pytest.mark.parametrize("name", ["a.png", "a.apng", "a.webp", "a.gif", "folder"])
def test_transparency_is_laid_over_white(tmp_path: Path, name: str) -> None:
    frames = []
    for number in range(4):
        frame = np.zeros((24, 32, 4), np.uint8)
        frame[4:12, 2 + number : 12 + number] = (200, 40, 0, 255)
        frames.append(Image.fromarray(frame))
    if name == "folder":
        (tmp_path / name).mkdir()
        for number, frame in enumerate(frames):
            frame.save(tmp_path / name / f"{number}.png")
    else:
        options = {"lossless": True} if name == "a.webp" else {"disposal": 2} if name == "a.gif" else {}
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], duration=100, **options)
    video, _ = read_video(tmp_path / name)
    assert len(video) == 4
    assert np.abs(video[:, 20:, :2].astype(int) - 255).max() <= 2
    assert np.abs(video[0, 8, 6].astype(int) - (200, 40, 0)).max() <= 2


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "bmp", "gif"])
def test_a_picture_is_cut_to_size(tmp_path, suffix):
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:, 10:50] = 250
    Image.fromarray(pixels).save(tmp_path / f"p.{suffix}")
    picture = read_picture(tmp_path / f"p.{suffix}", size=(20, 20))
    assert (picture.shape, picture.dtype) == ((20, 20, 3), np.uint8)
    assert picture[:, 2:-2].min() > 240, "the middle square, without the black at the sides"


def test_a_picture_lies_as_its_exif_data_say(tmp_path):
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[:16] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # turned a quarter to the right
    Image.fromarray(pixels).save(tmp_path / "p.png", exif=exif)
    picture = read_picture(tmp_path / "p.png")
    assert picture[:, 16:].min() == 255
    assert picture[:, :16].max() == 0


def test_what_is_no_picture(tmp_path):
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "empty.png").touch()
    with VideoWriter(tmp_path / "clip.mp4") as writer:
        writer.write(np.zeros((2, 32, 32, 3), np.uint8))
    for name in ("text.jpg", "empty.png", "clip.mp4", "."):
        with pytest.raises(VideoError) as refused:
            read_picture(tmp_path / name)
        assert "\n" not in str(refused.value)
    with pytest.raises(MissingPathError):
        read_picture(tmp_path / "absent.png")
