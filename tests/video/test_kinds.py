"""What is no video is named for what it is."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from video_samples import all_frames

from videogan.errors import NotAVideoError, VideoError
from videogan.video import VideoReader, probe

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 12345\n"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.mp4", POINTER, "a Git LFS pointer, not the video itself"),
        ("a.webm", POINTER, "a Git LFS pointer, not the video itself"),
        ("a.mp4", "<!DOCTYPE html>\n<html><body>quota exceeded</body></html>", r"a text \(HTML\) file, not a video"),
        ("a.mkv", "\ufeff \n<HTML><head></head></html>", r"a text \(HTML\) file, not a video"),
        ("a.mov", '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', r"a text \(XML\) file, not a video"),
        ("a.avi", '{"error": "not found"}', r"a text \(JSON\) file, not a video"),
        ("a.mp4", "Bonjour, ceci n'est pas une vidéo.\n" * 40, "a text file, not a video"),
    ],
)
def test_text_is_named(tmp_path: Path, name: str, content: str, reason: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    for read in (probe, VideoReader):
        with pytest.raises(VideoError, match=reason) as caught:
            read(tmp_path / name)
        assert not isinstance(caught.value, NotAVideoError)


def test_archives_and_documents_are_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "zip.mp4", "w") as archive:
        archive.writestr("a.mp4", "x")
    (tmp_path / "pdf.mp4").write_bytes(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(200))
    with pytest.raises(VideoError, match="a ZIP archive; unpack it"):
        probe(tmp_path / "zip.mp4")
    with pytest.raises(VideoError, match="a PDF document"):
        probe(tmp_path / "pdf.mp4")


@pytest.mark.parametrize(("name", "image_format"), [("a.webp", "WEBP"), ("a.gif", "GIF"), ("a.apng", "PNG")])
def test_a_still_was_never_meant_to_be_a_video(tmp_path: Path, name: str, image_format: str) -> None:
    Image.new("RGB", (32, 24), "red").save(tmp_path / name, image_format)
    with pytest.raises(NotAVideoError, match=r"a still image.*, not a video"):
        probe(tmp_path / name)


@pytest.mark.parametrize("name", ["index.ts", "module.mts"])
def test_typescript_was_never_meant_to_be_a_video(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("export const answer: number = 42;\n" * 30)
    with pytest.raises(NotAVideoError, match="a text file, not a video"):
        probe(tmp_path / name)


def save_pages(path: Path, count: int = 6) -> Path:
    pages = [Image.fromarray(np.full((12, 16), 30 * number, np.uint8)) for number in range(count)]
    pages[0].save(path, "TIFF", save_all=True, append_images=pages[1:])
    return path


def test_the_pages_of_a_tiff_are_frames(tmp_path: Path) -> None:
    path = save_pages(tmp_path / "a.tif")
    info = probe(path)
    assert (info.num_frames, info.frame_rate, info.duration_seconds) == (6, 25, pytest.approx(0.24))
    frames = all_frames(path)
    assert frames[:, 0, 0, 1].tolist() == [0, 30, 60, 90, 120, 150]
    with VideoReader(path) as reader:
        assert np.array_equal(reader.read([4, 1]), frames[[4, 1]])


def test_numbered_images_that_are_animations_are_no_frames(tmp_path: Path) -> None:
    for number in range(3):
        save_pages(tmp_path / f"stack_{number}.tif")
    with pytest.raises(VideoError, match="each of its images is an animation"):
        probe(tmp_path)


def test_the_broken_one_of_many_images_is_named(tmp_path: Path) -> None:
    for number in range(9):
        Image.fromarray(np.random.default_rng(number).integers(0, 255, (24, 32, 3), np.uint8)).save(
            tmp_path / f"f_{number:03d}.png"
        )
    broken = tmp_path / "f_007.png"
    broken.write_bytes(broken.read_bytes()[:600])
    with pytest.raises(VideoError) as caught:
        probe(tmp_path)
    assert caught.value.reason.startswith("f_007.png: ")
    assert caught.value.path == tmp_path
