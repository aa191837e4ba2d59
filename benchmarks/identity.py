"""Whether an endless video stays who it is, and never begins again: its late frames beside its first, and real clips.

    python benchmarks/identity.py clips                       # the model that comes along
    python benchmarks/identity.py clips --run runs/demo --frames 1000 --videos 32

Two windows of sixteen frames are compared, the first and the last of a video, and those of a real clip. Their colours:
the intersection of histograms of 20 levels a channel, of a window with the other one and with that of another video.
Their content: the correlation of the content codes that the encoder finds in both. Whether a video repeats: the largest
autocorrelation, at two seconds and more, of how its thumbnails change from frame to frame.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from measuring import heading, table
from torch import Tensor

import videogan
from videogan.device import pick_device
from videogan.video import VideoReader, to_float

WINDOW = 16
BINS = 20
THUMBNAIL = 8
COLUMNS = ("set", "frames between", "same video: colours", "another video", "same video: content", "repetition")


def windows(video: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and the last WINDOW frames of a video ``(t h w c)``."""
    return video[:WINDOW], video[-WINDOW:]


def histogram(frames: np.ndarray) -> np.ndarray:
    """Return the shares of BINS levels in each channel of ``t h w c`` (uint8), a third each: they sum to 1."""
    levels = frames.astype(int) * BINS // 256
    counts = [np.bincount(levels[..., channel].ravel(), minlength=BINS) for channel in range(3)]
    return np.concatenate(counts) / levels.size


def intersection(first: list[np.ndarray], second: list[np.ndarray]) -> float:
    """Return the mean over pairs of what two histograms share, from 0 to 1."""
    return float(np.mean([np.minimum(a, b).sum() for a, b in zip(first, second, strict=True)]))


def contents(model: videogan.Model, parts: list[np.ndarray]) -> Tensor:
    """Return the content codes ``(n k)`` that the encoder finds in some windows."""
    clips = to_float(torch.from_numpy(np.stack(parts)), planar=False)
    with torch.inference_mode():
        return torch.cat([model.encoder(part.to(model.device)).content.cpu() for part in clips.split(16)])


def repetition(videos: list[np.ndarray], least: int) -> float:
    """Return the mean over videos of the largest autocorrelation of their motion at a lag of ``least`` frames or more.

    Motion is the change of thumbnails from frame to frame, its mean over time taken away; a lag leaves at least half of
    the video to compare.
    """
    largest = []
    for video in videos:
        small = F.interpolate(to_float(torch.from_numpy(video), planar=False), (THUMBNAIL, THUMBNAIL), mode="area")
        motion = rearrange(small.diff(dim=0), "t c h w -> t (c h w)")
        motion = motion - motion.mean(0)
        at_lag = [
            float((motion[lag:] * motion[:-lag]).sum() / (motion[lag:].norm() * motion[:-lag].norm()).clamp(min=1e-9))
            for lag in range(least, len(motion) // 2)
        ]
        if at_lag:
            largest.append(max(at_lag))
    return float(np.mean(largest)) if largest else float("nan")


def row(name: str, model: videogan.Model, videos: list[np.ndarray]) -> list[str]:
    """Return one row of the table for videos ``t h w c`` (uint8), the same length of each being compared."""
    first, last = zip(*map(windows, videos), strict=True)
    early, late = ([histogram(part) for part in parts] for parts in (first, last))
    codes = torch.corrcoef(torch.stack([contents(model, list(parts)).flatten() for parts in (first, last)]))
    apart = int(np.median([len(video) for video in videos])) - WINDOW
    return [
        name,
        str(apart),
        f"{intersection(early, late):.3f}",
        f"{intersection(early, late[1:] + late[:1]):.3f}",
        f"{float(codes[0, 1]):.3f}",
        f"{repetition(videos, round(2 * model.frame_rate)):.2f}",
    ]


def real_videos(folder: Path, model: videogan.Model, count: int) -> list[np.ndarray]:
    """Return some whole videos of a folder, taken evenly over it, that are two windows long or more."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    videos: list[np.ndarray] = []
    for path in paths[:: max(1, len(paths) // count)][:count]:
        with VideoReader(path, size=(model.generator.size,) * 2, frame_rate=model.frame_rate) as reader:
            video = reader.read(range(len(reader)))
        if len(video) >= 2 * WINDOW:
            videos.append(video)
    return videos or sys.exit(f"{folder}: no video is {2 * WINDOW} frames long")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--run", type=Path, help="by default the model that comes along")
    parser.add_argument("--frames", type=int, default=1_000 + WINDOW)
    parser.add_argument("--videos", type=int, default=32)
    arguments = parser.parse_args()
    shipped = Path(videogan.__file__).parent / "pretrained" / "default.safetensors"
    model = videogan.load(arguments.run or shipped)
    names = model.class_names
    generated = [
        model.sample(arguments.frames, seeds=[seed], classes=names[seed % len(names)] if names else None).array()
        for seed in range(arguments.videos)
    ]
    real = real_videos(arguments.clips, model, arguments.videos)
    short = [video[: min(map(len, real))] for video in generated]
    rows = [row("real", model, real), row("generated, as long", model, short), row("generated", model, generated)]
    print(f"{heading(pick_device())}\n\n{table(COLUMNS, rows)}")


if __name__ == "__main__":
    main()
