"""What a model covers of a set of coloured things: hues within a class, class x hue together, variance, sharpness.

    videogan prepare moving-shapes clips; videogan prepare moving-digits digits; mv digits/* clips/
    python benchmarks/modes.py clips                         # the model that comes along
    python benchmarks/modes.py clips --run runs/demo --videos 24 --sheet sheet.png

CLIPS has one folder a class; every clip shows one thing of one hue before a dark ground, as the drawn sets do. A clip's
hue is that of its mean colour, each pixel counting by its saturation times its brightness. Columns of the sheet are
content codes (seeds), rows are classes.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import imageio.v3 as imageio
import numpy as np
from einops import rearrange
from measuring import heading, table

import videogan
from videogan.device import pick_device
from videogan.video import VideoReader

HUES = 8
FRAMES = 16
COLUMNS = ("set", "hue entropy", "modes", "KL", "variance, clips", "variance, mean frames", "class share", "sharpness")


class Figures(NamedTuple):
    """What is measured of one set of clips; variances and sharpness are still in squared levels."""

    hue_entropy: float
    modes: int
    divergence: float
    clip_variance: float
    frame_variance: float
    class_share: float
    sharpness: float


def figures(clips: np.ndarray) -> Figures:
    """Measure ``clips (classes videos t h w 3)`` in [0, 1].

    The entropy of a clip's hue in eight bins within a class is a share of the largest, averaged over classes. ``modes``
    counts pairs of class and hue that occur; the divergence is KL(pairs || uniform) in nats. The variance is that
    between the videos of a class, per value; the class share is that of the class means in the variance of a clip's
    mean colour; sharpness is the mean squared difference of horizontal neighbours' differences.
    """
    bins = (hue(clips) * HUES).astype(int) % HUES
    counts = np.stack([np.bincount(row, minlength=HUES) for row in bins]).astype(float)
    within = counts / counts.sum(1, keepdims=True)
    entropy = -(within * np.log(np.where(within > 0, within, 1))).sum(1).mean() / np.log(HUES)
    together = counts / counts.sum()
    divergence = (together * np.log(np.where(together > 0, together * counts.size, 1))).sum()
    colour = clips.mean(axis=(2, 3, 4))
    share = colour.mean(axis=1).var(axis=0).sum() / colour.reshape(-1, 3).var(axis=0).sum()
    return Figures(
        float(entropy),
        int((counts > 0).sum()),
        float(divergence),
        float(clips.var(axis=1).mean()),
        float(clips.mean(axis=2).var(axis=1).mean()),
        float(share),
        float(np.square(np.diff(clips, n=2, axis=4)).mean()),
    )


def hue(clips: np.ndarray) -> np.ndarray:
    """Return the hue of each clip's mean colour, in [0, 1): ``... t h w 3`` -> ``...``."""
    strength = clips.max(-1) - clips.min(-1)
    colour = (clips * strength[..., None]).sum(axis=(-4, -3, -2)) / strength.sum(axis=(-3, -2, -1))[..., None]
    red, green, blue = np.moveaxis(colour, -1, 0)
    return np.arctan2(3**0.5 * (green - blue), 2 * red - green - blue) / (2 * np.pi) % 1


def real_clips(folder: Path, model: videogan.Model, videos: int) -> np.ndarray:
    """Return the beginnings of the first videos of every class of the model, ``classes videos t h w 3`` in [0, 1]."""
    size, classes = model.generator.size, []
    for name in model.class_names:
        clips = []
        for path in sorted((folder / name).iterdir())[:videos]:
            with VideoReader(path, size=(size, size), frame_rate=model.frame_rate) as reader:
                clips.append(reader.read(range(FRAMES)))
        classes.append(np.stack(clips))
    return np.stack(classes) / np.float32(255)


def generated_clips(model: videogan.Model, videos: int) -> np.ndarray:
    """Return as many of the model, the same seeds in every class."""
    classes = [model.sample(FRAMES, seeds=range(videos), classes=name).array() for name in model.class_names]
    return np.stack(classes) / np.float32(255)


def main() -> None:
    """Print the table, and write the sheet where it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument(
        "--run", type=Path, help="run, checkpoint or weights file; by default the model that comes along"
    )
    parser.add_argument("--videos", type=int, default=24, help="of each class")
    parser.add_argument("--sheet", type=Path, help="PNG of the eighth frame of ten videos a class")
    arguments = parser.parse_args()
    shipped = Path(videogan.__file__).parent / "pretrained" / "default.safetensors"
    model = videogan.load(arguments.run or shipped)
    real, generated = real_clips(arguments.clips, model, arguments.videos), generated_clips(model, arguments.videos)
    of_real, of_generated = figures(real), figures(generated)
    rows = [
        [
            name,
            f"{own.hue_entropy:.3f}",
            f"{own.modes} of {HUES * len(model.class_names)}",
            f"{own.divergence:.3f}",
            f"{own.clip_variance / of_real.clip_variance:.2f}",
            f"{own.frame_variance / of_real.frame_variance:.2f}",
            f"{own.class_share:.3f}",
            f"{own.sharpness / of_real.sharpness:.2f}",
        ]
        for name, own in (("real", of_real), ("generated", of_generated))
    ]
    print(heading(pick_device()))
    print(table(COLUMNS, rows))
    if arguments.sheet is not None:
        sheet = rearrange(generated[:, :10, FRAMES // 2], "n m h w c -> (n h) (m w) c")
        imageio.imwrite(arguments.sheet, (sheet * 255).astype(np.uint8))


if __name__ == "__main__":
    main()
