"""What a model covers of a set of coloured things: every factor that clips were drawn from, read back from the frames.

    videogan prepare moving-shapes shapes --count 900
    python benchmarks/modes.py shapes --run runs/demo --videos 48 --known 250 --sheet sheet.png
    videogan prepare moving-digits digits --count 2000; mv shapes/* digits/
    python benchmarks/modes.py digits --known 150            # the model that comes along

CLIPS has one folder a class; every clip shows one thing of one hue before a dark ground, as the drawn sets do. Where
saturation times brightness is more than half of the clip's largest, a pixel is of the thing: the area gives its size,
the middle its position, and how that moves its speed; the hue is that of the mean colour, pixels counted by the same
product. The class is recognised by a regression on features that are learnt on further real clips; of few a class it
knows little (the accuracy on real clips tells). Columns of the sheet are content codes (seeds), rows classes.
"""

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

import imageio.v3 as imageio
import numpy as np
import torch
from einops import rearrange
from measuring import heading, table
from running import Clips, class_accuracies, own_features
from scipy.stats import wasserstein_distance

import videogan
from videogan.device import pick_device
from videogan.metrics.spectrum import sharpness
from videogan.metrics.variety import class_share, variance_within_classes
from videogan.video import VideoReader

HUES = 8
FRAMES = 16
COLUMNS = (
    "set", "hue entropy", "modes", "KL", "variance, clips", "variance, mean frames", "class share", "sharpness",
    "class accuracy",
)  # fmt: skip


class Figures(NamedTuple):
    """What is measured of one set of clips; variances and sharpness are still in squares of the range [-1, 1]."""

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
    counts pairs of class and hue that occur; the divergence is KL(pairs || uniform) in nats. The rest is as in
    ``videogan evaluate``, at full size.
    """
    bins = (hue(clips) * HUES).astype(int) % HUES
    counts = np.stack([np.bincount(row, minlength=HUES) for row in bins]).astype(float)
    within = counts / counts.sum(1, keepdims=True)
    entropy = -(within * np.log(np.where(within > 0, within, 1))).sum(1).mean() / np.log(HUES)
    together = counts / counts.sum()
    divergence = (together * np.log(np.where(together > 0, together * counts.size, 1))).sum()
    flat, labels = in_a_row(clips), torch.arange(len(clips)).repeat_interleave(clips.shape[1])
    return Figures(
        float(entropy),
        int((counts > 0).sum()),
        float(divergence),
        variance_within_classes(flat, labels),
        variance_within_classes(flat.mean(dim=1), labels),
        class_share(flat.mean(dim=(1, 3, 4)), labels),
        float(sharpness(flat).mean()),
    )


def in_a_row(clips: np.ndarray) -> torch.Tensor:
    """Return ``classes videos t h w 3`` in [0, 1] as ``n t c h w`` in [-1, 1]."""
    return torch.from_numpy(rearrange(clips, "n m t h w c -> (n m) t c h w")) * 2 - 1


def hue(clips: np.ndarray) -> np.ndarray:
    """Return the hue of each clip's mean colour, pixels by their strength, in [0, 1): ``... t h w 3`` -> ``...``."""
    weight = strength(clips)
    colour = (clips * weight[..., None]).sum(axis=(-4, -3, -2)) / weight.sum(axis=(-3, -2, -1))[..., None]
    red, green, blue = np.moveaxis(colour, -1, 0)
    return np.arctan2(3**0.5 * (green - blue), 2 * red - green - blue) / (2 * np.pi) % 1


def strength(clips: np.ndarray) -> np.ndarray:
    """Return saturation times brightness of every pixel: ``... h w 3`` -> ``... h w``."""
    largest: np.ndarray = clips.max(-1) - clips.min(-1)
    return largest


def factors(clips: np.ndarray) -> dict[str, np.ndarray]:
    """Return by name what each clip was drawn with, ``(classes videos)``: shares of the frame, and those a frame."""
    weight = strength(clips)
    inside = (weight > weight.max(axis=(-3, -2, -1), keepdims=True) / 2).astype(np.float32)
    area = inside.sum(axis=(-2, -1)).clip(1)
    grid = (np.arange(clips.shape[3], dtype=np.float32) + 0.5) / clips.shape[3]
    down, across = ((inside * at).sum(axis=(-2, -1)) / area for at in (grid[:, None], grid))
    moves = np.hypot(np.diff(down, axis=-1), np.diff(across, axis=-1))
    return {
        "size": np.sqrt(area).mean(axis=-1) / clips.shape[3],
        "position across": across[..., 0],
        "position down": down[..., 0],
        "speed": moves.mean(axis=-1),
    }


def real_clips(folder: Path, model: videogan.Model, first: int, videos: int) -> np.ndarray:
    """Return the beginnings of some videos of every class of the model, ``classes videos t h w 3`` in [0, 1]."""
    size, classes = model.generator.size, []
    for name in model.class_names:
        if not (folder / name).is_dir():
            sys.exit(f"{folder / name}: no such folder; the model has that class")
        clips = []
        for path in sorted((folder / name).iterdir())[first : first + videos]:
            with VideoReader(path, size=(size, size), frame_rate=model.frame_rate) as reader:
                clips.append(reader.read(range(FRAMES)))
        if len(clips) < videos:
            sys.exit(f"{folder / name}: holds fewer than {first + videos} videos; lower --videos or --known")
        classes.append(np.stack(clips))
    return np.stack(classes) / np.float32(255)


def generated_clips(model: videogan.Model, videos: int) -> np.ndarray:
    """Return as many of the model, the same seeds in every class."""
    classes = [model.sample(FRAMES, seeds=range(videos), classes=name).array() for name in model.class_names]
    return np.stack(classes) / np.float32(255)


def named(clips: np.ndarray, names: tuple[str, ...]) -> Clips:
    """Return clips in a row with their classes, each of a video of its own."""
    flat = in_a_row(clips)
    return Clips(flat, [name for name in names for _ in range(clips.shape[1])], torch.arange(len(flat)))


def main() -> None:
    """Print the tables, and write the sheet where it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument(
        "--run", type=Path, help="run, checkpoint or weights file; by default the model that comes along"
    )
    parser.add_argument("--videos", type=int, default=24, help="of each class")
    parser.add_argument("--known", type=int, default=24, help="further videos of each class, from which it is learnt")
    parser.add_argument("--sheet", type=Path, help="PNG of the eighth frame of ten videos a class")
    arguments = parser.parse_args()
    shipped = Path(videogan.__file__).parent / "pretrained" / "default.safetensors"
    model = videogan.load(arguments.run or shipped)
    real = real_clips(arguments.clips, model, 0, arguments.videos)
    generated = generated_clips(model, arguments.videos)
    known = named(real_clips(arguments.clips, model, arguments.videos, arguments.known), model.class_names)
    net, of_real = own_features(known), figures(real)
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
            f"{class_accuracies(net, known, named(clips, model.class_names))['mean']:.2f}",
        ]
        for name, clips, own in (("real", real, of_real), ("generated", generated, figures(generated)))
    ]
    print(heading(pick_device()))
    print(table(COLUMNS, rows), end="\n\n")
    print(table(("factor", "real", "generated", "distance"), factor_rows(factors(real), factors(generated))))
    if arguments.sheet is not None:
        sheet = rearrange(generated[:, :10, FRAMES // 2], "n m h w c -> (n h) (m w) c")
        imageio.imwrite(arguments.sheet, (sheet * 255).astype(np.uint8))


def factor_rows(real: dict[str, np.ndarray], made: dict[str, np.ndarray]) -> list[list[str]]:
    """Return mean and deviation of each factor, and how far apart both laws are, in deviations of the real one."""
    return [
        [
            name,
            f"{values.mean():.3f} ± {values.std():.3f}",
            f"{made[name].mean():.3f} ± {made[name].std():.3f}",
            f"{wasserstein_distance(values.ravel(), made[name].ravel()) / values.std():.2f}",
        ]
        for name, values in real.items()
    ]


if __name__ == "__main__":
    main()
