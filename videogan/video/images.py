"""Videos that FFmpeg does not read as such: folders of numbered images, animated WebP, TIFF of several pages."""

import os
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from videogan.errors import NotAVideoError, VideoError, reason_of
from videogan.files import open_regular
from videogan.storage.member import AnyFile
from videogan.video.formats import IMAGE_SUFFIXES, MAX_PIXELS
from videogan.video.index import FrameIndex
from videogan.video.safety import check_regular_file

_NUMBERED = re.compile(r"(.*?)(\d+)")
_PNG_HEAD = b"\x89PNG\r\n\x1a\n"
_TIFF_HEADS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_MILLISECOND = Fraction(1, 1000)
_PAGE_MILLISECONDS = 40


def numbered_images(folder: Path) -> list[Path]:
    """Return the images of a folder of frames by their number, or an empty list where it is not one.

    All names must be the same but for the number before the suffix, as in ``f_0001.png f_0002.png``.
    """
    sequences: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for path in folder.iterdir():
        match = _NUMBERED.fullmatch(path.stem)
        if match and path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith("."):
            sequences.setdefault((match[1], path.suffix.lower()), []).append((int(match[2]), path.name))
    names = sorted(next(iter(sequences.values()))) if len(sequences) == 1 else []
    return [folder / name for _, name in names] if len(names) > 1 else []


def holds_several(path: Path) -> bool:
    """Say whether an image file is a video of its own: an animated PNG, or a TIFF of several pages."""
    try:
        with path.open("rb") as file:
            head = file.read(8)
            if head == _PNG_HEAD:  # an animated one says so before its first picture
                return b"acTL" in file.read(1 << 16)
        if head[:4] in _TIFF_HEADS:
            with _image_errors(path), _open_image(path, "TIFF") as image:
                return getattr(image, "n_frames", 1) > 1
    except (OSError, VideoError):
        pass
    return False


def load_image(path: Path, *more_formats: str) -> av.VideoFrame:
    """Return a still image, turned as it is meant to be seen; RGBA where it has transparency.

    Raises:
        MissingPathError: there is no such file.
        VideoError: it is no image that can be read.
    """
    check_regular_file(path)
    with _image_errors(path), _open_image(path, "PNG", "JPEG", "BMP", "TIFF", "PPM", *more_formats) as image:
        return _picture(path, ImageOps.exif_transpose(image))


class _Images:
    """What both kinds have in common."""

    sample_aspect = Fraction(1)

    def because(self) -> str:
        """Nothing is passed over, so nothing is to be explained."""
        return ""

    def close(self) -> None:
        """Nothing is held open."""


class ImageFolder(_Images):
    """The numbered images of a folder as a video of 25 frames per second."""

    nominal_rate = Fraction(25)
    animation = False

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._images = numbered_images(path)
        except OSError as error:
            raise VideoError(path, reason_of(error).lower()) from error
        if not self._images:
            raise VideoError(
                path, "not a folder of numbered images, all named alike (frame_0001.png frame_0002.png ...)"
            )
        if holds_several(self._images[0]):
            raise VideoError(path, "each of its images is an animation: a video of its own")
        self.codec = self._images[0].suffix[1:].lower()
        self.first = self._load(self._images[0])

    def _load(self, image_path: Path) -> av.VideoFrame:
        try:
            return load_image(image_path)
        except VideoError as error:
            raise VideoError(self.path, f"{image_path.name}: {error.reason}") from error

    def pictures(self) -> Iterator[av.VideoFrame]:
        """Yield every image in order."""
        return map(self._load, self._images)

    def index(self, *, budget: int = 0, each: Callable[[av.VideoFrame], None] | None = None) -> FrameIndex:
        """List the frames; within ``budget`` pixels every image is loaded, so that VideoError names a broken one."""
        if len(self._images) * self.first.width * self.first.height <= budget:
            for picture in self.pictures():
                if each is not None:
                    each(picture)
        return FrameIndex.counted(len(self._images), self.nominal_rate)

    def pick(self, index: FrameIndex, numbers: Sequence[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield (number, picture) for each of these frame numbers."""
        for number in numbers:
            yield number, self._load(self._images[number])


class MultiImage(_Images):
    """An image file of several pictures, decoded from the start each time.

    An animated WebP, or a TIFF whose pages are shown at 25 per second, as the images of a folder are.
    """

    def __init__(self, path: AnyFile, image_format: Literal["WEBP", "TIFF"]) -> None:
        self.path, self._format = path, image_format
        self.codec = image_format.lower()
        self.animation = image_format == "WEBP"
        self.nominal_rate = None if self.animation else Fraction(25)
        with self._opened() as image:
            self._count = getattr(image, "n_frames", 1)
            if self._count < 2:
                raise NotAVideoError(path, "a still image, not a video")
            self.first = _picture(path, image)

    @contextmanager
    def _opened(self) -> Iterator[Image.Image]:
        with _image_errors(self.path), _open_image(self.path, self._format) as image:
            yield image

    def pictures(self) -> Iterator[av.VideoFrame]:
        """Yield every picture in order."""
        with self._opened() as image:
            for number in range(self._count):
                image.seek(number)
                yield _picture(self.path, image)

    def index(self, *, budget: int = 0, each: Callable[[av.VideoFrame], None] | None = None) -> FrameIndex:
        """List the frames; within ``budget`` pixels every one is decoded, so that VideoError tells of a broken one."""
        if self._count * self.first.width * self.first.height <= budget:
            for picture in self.pictures():
                if each is not None:
                    each(picture)
        shown = webp_delays(self.path) if self.animation else [_PAGE_MILLISECONDS] * self._count
        if len(shown) != self._count:
            raise VideoError(self.path, f"{len(shown)} of {self._count} pictures are there")
        times = np.cumsum([0, *shown], dtype=np.int64)
        return FrameIndex.unseekable(
            times[:-1], _MILLISECOND, nominal_rate=self.nominal_rate, last=shown[-1], animation=self.animation
        )

    def pick(self, index: FrameIndex, numbers: Sequence[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield (number, picture) for each of these rising frame numbers."""
        asked = set(numbers)
        for number, picture in enumerate(self.pictures()):
            if number in asked:
                yield number, picture
            if number >= numbers[-1]:
                return


def webp_delays(path: AnyFile) -> list[int]:
    """Return for how many milliseconds each picture of an animated WebP is shown, without decoding (RFC 9649)."""
    delays, at = [], 12
    with path.open("rb") as file:
        while True:
            file.seek(at)
            head = file.read(24)
            if len(head) < 8:
                break
            if head[:4] == b"ANMF":
                delays.append(int.from_bytes(head[20:23], "little"))
            size = int.from_bytes(head[4:8], "little")
            at += 8 + size + size % 2
    return delays


def image_format(path: AnyFile) -> Literal["WEBP", "TIFF"] | None:
    """Return of which of the formats that :class:`MultiImage` reads a file is, by its first bytes."""
    with path.open("rb") as file:
        head = file.read(12)
    if head[:4] == b"RIFF" and head[8:] == b"WEBP":
        return "WEBP"
    return "TIFF" if head[:4] in _TIFF_HEADS else None


def _open_image(path: AnyFile, *formats: str) -> Image.Image:
    """Open an image without decoding it yet; VideoError where it is too large for that."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        image = Image.open(path if isinstance(path, Path) else path.open(), formats=formats)
    if image.width * image.height > MAX_PIXELS:
        image.close()
        raise VideoError(path, f"{image.width}x{image.height} is larger than the limit of {MAX_PIXELS} pixels")
    return image


def _picture(path: AnyFile, image: Image.Image) -> av.VideoFrame:
    """Turn an image of any mode into an RGB picture, or RGBA where it has transparency.

    Whole numbers of 16 and more bits are read as 16; floating point as 0 to 1, and nothing else.
    """
    if image.mode.startswith("I") or image.mode == "F":
        grey = _grey(path, np.asarray(image))
        return av.VideoFrame.from_ndarray(np.repeat(grey[..., None], 3, axis=-1), format="rgb24")
    if image.has_transparency_data:
        return av.VideoFrame.from_ndarray(np.asarray(image.convert("RGBA")), format="rgba")
    return av.VideoFrame.from_ndarray(np.asarray(image.convert("RGB")), format="rgb24")


def _grey(path: AnyFile, values: np.ndarray) -> np.ndarray:
    """Return grey levels (h w) in uint8 of wider ones."""
    if np.issubdtype(values.dtype, np.floating):
        if not (values.min() >= 0 and values.max() <= 1):  # so that NaN is refused too
            raise VideoError(path, "its floating point numbers are not between 0 and 1; scale them, or store integers")
        return (255 * values + 0.5).astype(np.uint8)
    return (values.astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)


@contextmanager
def _image_errors(path: AnyFile) -> Iterator[None]:
    """Turn what Pillow raises on a broken image into VideoError."""
    try:
        yield
    except VideoError:
        raise
    except UnidentifiedImageError as error:
        raise VideoError(path, "not a picture of a format that is read") from error
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise VideoError(path, " ".join(str(error).split()).replace(f" '{path}'", "")) from error


def read_png_comment(path: Path) -> str | None:
    """Return the text chunk ``comment`` of a PNG file, or None where it has none.

    Raises:
        VideoError: the file cannot be read.
    """
    try:
        # PNG only: an unnamed format would let a disguised PostScript file start an interpreter. The header suffices.
        with (
            open_regular(path) as descriptor,
            os.fdopen(descriptor, "rb", closefd=False) as file,
            Image.open(file, formats=("PNG",)) as image,
        ):
            comment = image.info.get("comment")
    except (OSError, ValueError, SyntaxError) as error:
        raise VideoError(path, f"cannot be read ({error})") from None
    return None if comment is None else str(comment)
