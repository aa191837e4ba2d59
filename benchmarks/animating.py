"""How near the first frame of an animated picture comes to the best that its model can draw of it.

    python benchmarks/animating.py CLIPS --run RUN --pictures 12

Pictures are the middle frames of clips of the folder. Each is animated with the default refinement, and drawn after ten
times as many steps, which is taken for the best there is; told are the mean PSNR of both, of the picture after the
encoder alone, and how much the video moves beside samples of the model.
"""

import argparse
from pathlib import Path
from statistics import mean

import numpy as np
from measuring import heading, table
from running import clips_of

import videogan
from videogan.device import pick_device
from videogan.metrics.paired import psnr
from videogan.video import to_float, to_uint8

FRAMES, STEPS = 32, 100


def change(video: np.ndarray) -> float:
    """Return the mean absolute change from frame to frame of ``t h w c``, in levels of 255."""
    return float(np.abs(np.diff(video.astype(np.float32), axis=0)).mean())


def main() -> None:
    """Animate pictures and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=12)
    arguments = parser.parse_args()
    if not arguments.clips.exists():
        parser.error(f"{arguments.clips}: no such folder")
    model = videogan.load(arguments.run)
    known = clips_of(arguments.clips, model.card.config.data, arguments.pictures)
    titles = ("encoder alone", f"animated, {STEPS} steps", f"best there is, {10 * STEPS} steps")
    nearness: dict[str, list[float]] = {title: [] for title in titles}
    moving, sampled = [], []
    for number, (clip, name) in enumerate(zip(known.clips, known.names, strict=True)):
        picture, own_class = to_uint8(clip[len(clip) // 2]), name if name in model.class_names else None
        target = to_float(picture)[None, None]
        for title, steps in zip(titles[::2], (0, 10 * STEPS), strict=True):
            drawn = model.encode(picture[None], refine=steps, class_name=own_class).latents
            nearness[title].append(psnr(to_float(model.decode(drawn).array())[None], target))
        video = model.animate(picture, FRAMES, seeds=[number], refine=STEPS, class_name=own_class).array()
        nearness[titles[1]].append(psnr(to_float(video[:1])[None], target))
        moving.append(change(video))
        sampled.append(change(model.sample(FRAMES, seeds=[number], classes=own_class).array()))
    rows = [[title, f"{mean(values):.2f}"] for title, values in nearness.items()]
    print(f"{heading(pick_device())}; {len(moving)} pictures\n\n{table(('first frame', 'PSNR, dB'), rows)}")
    print(f"\nchange from frame to frame, levels: animated {mean(moving):.2f}, samples {mean(sampled):.2f}")


if __name__ == "__main__":
    main()
