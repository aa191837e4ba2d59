"""Videos that FFmpeg does not read as such: folders of numbered images, and animated WebP."""

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageOps

from videogan.errors import VideoError, reason_of
from videogan.video.formats import IMAGE_SUFFIXES, MAX_PIXELS
from videogan.video.index import FrameIndex
from videogan.video.safety import check_regular_file

_NUMBERED = re.compile(r"(.*?)(\d+)")


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
        self.codec = self._images[0].suffix[1:].lower()
        self.first = self._load(self._images[0])

    def _load(self, path: Path) -> av.VideoFrame:
        check_regular_file(path)
        with _image_errors(path), _open_image(path, "PNG", "JPEG", "BMP", "TIFF", "PPM") as image:
            return _picture(path, ImageOps.exif_transpose(image))

    def pictures(self) -> Iterator[av.VideoFrame]:
        """Yield every image in order."""
        return map(self._load, self._images)

    def index(self, *, budget: int = 0) -> FrameIndex:
        """List the frames; within ``budget`` pixels every image is loaded, so that VideoError names a broken one."""
        if len(self._images) * self.first.width * self.first.height <= budget:
            for _ in self.pictures():
                pass
        return FrameIndex.counted(len(self._images), self.nominal_rate)

    def pick(self, index: FrameIndex, numbers: Sequence[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield (number, picture) for each of these frame numbers."""
        for number in numbers:
            yield number, self._load(self._images[number])


class WebpSource(_Images):
    """An animated WebP, decoded from the start each time."""

    nominal_rate = None
    codec = "webp"

    def __init__(self, path: Path) -> None:
        self.path = path
        with _image_errors(path), _open_image(path, "WEBP") as image:
            if getattr(image, "n_frames", 1) < 2:
                raise VideoError(path, "a still image, not a video")
            self.first = _picture(path, image)

    def pictures(self) -> Iterator[av.VideoFrame]:
        """Yield every picture in order; its ``pts`` is in milliseconds."""
        with _image_errors(self.path), _open_image(self.path, "WEBP") as image:
            for number in range(getattr(image, "n_frames", 1)):
                image.seek(number)
                picture = _picture(self.path, image)
                picture.pts, picture.time_base = int(image.info["timestamp"]), Fraction(1, 1000)
                yield picture

    def index(self, *, budget: int = 0) -> FrameIndex:
        """List the frames by decoding them all."""
        pts = np.array([picture.pts for picture in self.pictures()], np.int64)
        nothing = np.zeros(0, np.int64)
        return FrameIndex(pts, nothing, nothing, Fraction(1, 1000), seekable=False)

    def pick(self, index: FrameIndex, numbers: Sequence[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield (number, picture) for each of these rising frame numbers."""
        asked = set(numbers)
        for number, picture in enumerate(self.pictures()):
            if number in asked:
                yield number, picture
            if number >= numbers[-1]:
                return


def is_webp(path: Path) -> bool:
    """Say whether a file starts like a WebP."""
    with path.open("rb") as file:
        head = file.read(12)
    return head[:4] == b"RIFF" and head[8:] == b"WEBP"


def _open_image(path: Path, *formats: str) -> Image.Image:
    """Open an image without decoding it yet; VideoError where it is too large for that."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        image = Image.open(path, formats=formats)
    if image.width * image.height > MAX_PIXELS:
        image.close()
        raise VideoError(path, f"{image.width}x{image.height} is larger than the limit of {MAX_PIXELS} pixels")
    return image


def _picture(path: Path, image: Image.Image) -> av.VideoFrame:
    """Turn an image of any mode into an RGB picture, or RGBA where it has transparency."""
    if image.mode.startswith("I"):
        grey = (np.asarray(image, np.int64) >> 8).clip(0, 255).astype(np.uint8)
        return av.VideoFrame.from_ndarray(np.repeat(grey[..., None], 3, axis=-1), format="rgb24")
    if image.has_transparency_data:
        return av.VideoFrame.from_ndarray(np.asarray(image.convert("RGBA")), format="rgba")
    return av.VideoFrame.from_ndarray(np.asarray(image.convert("RGB")), format="rgb24")


@contextmanager
def _image_errors(path: Path) -> Iterator[None]:
    """Turn what Pillow raises on a broken image into VideoError."""
    try:
        yield
    except VideoError:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise VideoError(path, " ".join(str(error).split()).replace(f" '{path}'", "")) from error


def read_png_comment(path: Path) -> str | None:
    """Return the text chunk ``comment`` of a PNG file, or None where it has none.

    Raises:
        VideoError: the file cannot be read.
    """
    try:
        # PNG only: an unnamed format would let a disguised PostScript file start an interpreter. The header suffices.
        with Image.open(path, formats=("PNG",)) as image:
            comment = image.info.get("comment")
    except (OSError, ValueError, SyntaxError) as error:
        raise VideoError(path, f"cannot be read ({error})") from None
    return None if comment is None else str(comment)
