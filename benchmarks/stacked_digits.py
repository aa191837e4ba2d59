"""How many of 1,000 modes a model makes: three moving digits at once, one a colour channel, as in StackedMNIST.

    videogan prepare stacked-digits clips
    videogan train clips --run runs/stacked --preset cpu --from starter --set data.labels=none \
        --set projected_discriminator.weight=0
    python benchmarks/stacked_digits.py clips --run runs/stacked --videos 4000

The videos have twice the size at which a model of the preset ``cpu`` sees them: an MP4 holds colours at half the
resolution, and so a digit of 32 pixels would be sharp in green alone. Real ones are read at the model's size.

A digit is read in three frames: its channel is cut to where it is bright, scaled to 8 x 8 and given to a support vector
machine that has learnt one half of the real videos; most votes win. Its accuracy on the other half is printed. The
divergence is KL(modes || uniform) in nats; beside it what as many draws of the uniform law give, which is not 0. It is
the sum of those of each channel's digits and of what the channels have to do with each other.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from measuring import heading, table
from sklearn.svm import SVC

import videogan
from videogan.data.folder import scan_folder
from videogan.device import pick_device
from videogan.video import VideoReader

FRAMES = 16
LOOKS = (0, 7, 15)
MODES = 1000
AT_ONCE = 32


def glyphs(video: np.ndarray) -> np.ndarray:
    """Return the digits of ``video t h w 3`` (uint8) as ``3 looks 64`` in [0, 1], channel by channel."""
    return np.stack([[glyph(video[time, ..., channel]) for time in LOOKS] for channel in range(3)])


def glyph(frame: np.ndarray) -> np.ndarray:
    """Return what is bright in a frame ``h w``, scaled to 8 x 8, as 64 numbers."""
    bright = frame > (int(frame.min()) + int(frame.max())) / 2
    down, across = (np.flatnonzero(bright.any(axis=axis)) for axis in (1, 0))
    if not len(down):
        return np.zeros(64, np.float32)
    box = frame[down[0] : down[-1] + 1, across[0] : across[-1] + 1].astype(np.float32)
    small = F.interpolate(torch.from_numpy(box)[None, None], (8, 8), mode="bilinear", antialias=True)[0, 0].numpy()
    return ((small - small.min()) / max(float(np.ptp(small)), 1.0)).ravel()


def read(classifier: SVC, videos: np.ndarray) -> np.ndarray:
    """Return the mode of each of ``videos n t h w 3``, 0 to 999: its digits from the red channel to the blue one."""
    described = np.stack([glyphs(video) for video in videos])
    votes = classifier.predict(described.reshape(-1, 64)).reshape(len(videos), 3, len(LOOKS))
    digits = np.array([[np.bincount(looks, minlength=10).argmax() for looks in channels] for channels in votes])
    modes: np.ndarray = digits @ (100, 10, 1)
    return modes


def count(numbers: np.ndarray, of: int = MODES) -> tuple[int, float]:
    """Return how many of the numbers below ``of`` occur, and KL(numbers || uniform) in nats."""
    shares = np.bincount(numbers, minlength=of) / len(numbers)
    present = shares[shares > 0]
    return len(present), float((present * np.log(present * of)).sum())


def row(name: str, modes: np.ndarray) -> list[object]:
    """Return a row of the table."""
    number, divergence = count(modes)
    alone = [count(modes // place % 10, of=10)[1] for place in (100, 10, 1)]
    return [name, number, f"{divergence:.3f}", ", ".join(f"{kl:.3f}" for kl in alone), f"{divergence - sum(alone):.3f}"]


def real_videos(folder: Path, videos: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return beginnings of real videos spread over the folder, ``size`` pixels wide, and modes by folders' names."""
    listed = scan_folder(folder, labels="folders")
    step = max(1, len(listed.videos) // videos)
    frames, modes = [], []
    for video in listed.videos[::step][:videos]:
        with VideoReader(video.path, size=(size, size)) as reader:
            frames.append(reader.read(range(FRAMES)))
        modes.append(int(listed.class_names[video.label or 0]))
    return np.stack(frames), np.array(modes)


def learnt(videos: np.ndarray, modes: np.ndarray) -> SVC:
    """Return a classifier of single digits."""
    described = np.stack([glyphs(video) for video in videos])
    digits = np.stack([modes // 100, modes // 10 % 10, modes % 10], axis=1)
    return SVC(C=10).fit(described.reshape(-1, 64), np.repeat(digits.ravel(), len(LOOKS)))


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--videos", type=int, default=4000, help="generated ones that are counted, rounded up to 32")
    parser.add_argument("--known", type=int, default=600, help="real ones, of which the classifier learns one half")
    arguments = parser.parse_args()
    model = videogan.load(arguments.run)
    frames, modes = real_videos(arguments.clips, arguments.known, model.generator.size)
    classifier = learnt(frames[::2], modes[::2])
    right = read(classifier, frames[1::2]) == modes[1::2]
    made = np.concatenate(
        [
            read(classifier, model.sample(FRAMES, seeds=range(first, first + AT_ONCE)).array())
            for first in range(0, arguments.videos, AT_ONCE)
        ]
    )
    uniform = np.random.default_rng(0).integers(0, MODES, len(made))
    print(f"{heading(pick_device())}; all three digits right in {right.mean():.1%} of {len(right)} real videos\n")
    columns = ("modes", "of 1,000", "KL", "of it red, green, blue alone", "together")
    print(table(columns, [row("generated", made), row("drawn uniformly", uniform)]))


if __name__ == "__main__":
    main()
