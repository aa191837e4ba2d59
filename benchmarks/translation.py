"""How well clips are shown as another class: on moving shapes the truth is known, the same path and hue, another shape.

    python benchmarks/translation.py --minutes 6.5
    python benchmarks/translation.py --minutes 6.5 --set encoder.class_cycle_weight=3 --work translation-cycle

A model learns moving shapes for so many minutes; clips that it has not seen are translated to each other class.
Told are the share that features learnt on real clips take for the class asked for, the mean distance of the centre from
the truth's in pixels, that of the hue in degrees, and PSNR against the truth, beside the same of the clips as they are
and of clips of the class by seed. With ``--actions`` and ``--run`` the first figure is told of a run on such a folder.
"""

import argparse
import colorsys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

import torch
from einops import reduce
from measuring import heading, table
from running import Clips, class_accuracies, clips_of, command, own_features, trained
from torch import Tensor

import videogan
from videogan.device import pick_device
from videogan.metrics.paired import psnr
from videogan.model import Model
from videogan.preparation.synthetic import SHAPES, moving_shapes
from videogan.video import to_float, to_uint8

UNSEEN = 10_000
"""Shapes from this number on are not among those that ``videogan prepare`` draws."""


def shape_clip(index: int, name: str, size: int, num_frames: int) -> Tensor:
    """Return a clip ``t c h w``: path, hue and background by the number, the shape by name."""
    return to_float(moving_shapes(index, size=size, num_frames=num_frames, shape=name)[0])


def centres(clip: Tensor) -> Tensor:
    """Return where what is coloured lies in each frame: ``(t 2)`` as y, x in pixels."""
    colourful = (clip.amax(dim=1) - clip.amin(dim=1)).square()
    share = colourful / reduce(colourful, "t h w -> t 1 1", "sum")
    y, x = torch.meshgrid(*(torch.arange(side, dtype=clip.dtype) for side in clip.shape[2:]), indexing="ij")
    return torch.stack([(share * y).sum(dim=(1, 2)), (share * x).sum(dim=(1, 2))], dim=1)


def hue(clip: Tensor) -> float:
    """Return the hue of what is coloured in a clip, in degrees."""
    colourful = (clip.amax(dim=1, keepdim=True) - clip.amin(dim=1, keepdim=True)).square()
    red, green, blue = (((clip + 1) / 2 * colourful).sum(dim=(0, 2, 3)) / colourful.sum()).clamp(0, 1).tolist()
    return 360 * colorsys.rgb_to_hsv(red, green, blue)[0]


def row(title: str, clips: Sequence[Tensor], truths: Sequence[Tensor], names: list[str], known: Clips) -> list[str]:
    """Return the figures of clips that should be of the named classes and look like the truths."""
    together, pairs = torch.stack(list(clips)), list(zip(clips, truths, strict=True))
    angles = [abs(hue(clip) - hue(truth)) for clip, truth in pairs]
    return [
        title,
        f"{reached(known, together, names):.2f}",
        f"{mean(float((centres(clip) - centres(truth)).norm(dim=1).mean()) for clip, truth in pairs):.2f}",
        f"{mean(min(angle, 360 - angle) for angle in angles):.0f}",
        f"{mean(psnr(clip[None], truth[None]) for clip, truth in pairs):.2f}",
    ]


def reached(known: Clips, clips: Tensor, names: list[str]) -> float:
    """Return the share of clips ``n t c h w`` that pass for the named class, by features of known clips."""
    return class_accuracies(own_features(known), known, Clips(clips, names, torch.arange(len(clips))))["mean"]


def translated(model: Model, clip: Tensor, name: str) -> Tensor:
    """Return a clip ``t c h w`` as the model shows it under a class."""
    return to_float(model.translate(to_uint8(clip), name).array())


def on_shapes(model: Model, count: int) -> str:
    """Return the table of unseen shapes."""
    data = model.card.config.data
    size, num_frames = data.size, data.num_frames
    seen = [(index, SHAPES[index % len(SHAPES)]) for index in range(300)]
    clips, named = torch.stack([shape_clip(*one, size, num_frames) for one in seen]), [name for _, name in seen]
    known = Clips(clips, named, torch.arange(len(clips)))
    tasks = [
        (UNSEEN + number, SHAPES[number % len(SHAPES)], other)
        for number in range(count)
        for other in SHAPES
        if other != SHAPES[number % len(SHAPES)]
    ]
    given = [shape_clip(index, name, size, num_frames) for index, name, _ in tasks]
    truths = [shape_clip(index, other, size, num_frames) for index, _, other in tasks]
    names = [other for *_, other in tasks]
    shown = [translated(model, clip, other) for clip, other in zip(given, names, strict=True)]
    samples = [
        to_float(model.sample(num_frames, seeds=[number], classes=other).array()) for number, other in enumerate(names)
    ]
    rows = [
        row(title, shown_clips, truths, names, known)
        for title, shown_clips in (
            ("translated", shown),
            ("the clip as it is", given),
            ("a sample of the class", samples),
            ("the truth", truths),
        )
    ]
    return table((f"{len(tasks)} translations", "class reached", "centre, pixels", "hue, degrees", "PSNR, dB"), rows)


def on_actions(model: Model, actions: Path, count: int) -> str:
    """Return the table of a folder of real clips, one folder a class: the class that is reached."""
    known = clips_of(actions, model.card.config.data, 2048)
    rows = []
    for name in model.class_names:
        others = [clip for clip, own in zip(known.clips, known.names, strict=True) if own != name][:count]
        shown = torch.stack([translated(model, clip, name) for clip in others])
        cells = [reached(known, clips, [name] * len(others)) for clips in (shown, torch.stack(others))]
        rows.append([name, *(f"{cell:.2f}" for cell in cells)])
    return table(("shown as", "class reached", "the clips as they are"), rows)


def main() -> None:
    """Train where that is asked for, translate, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=6.5)
    parser.add_argument("--preset", default="cpu")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="GROUP.KEY=VALUE")
    parser.add_argument("--count", type=int, default=30, help="clips that are translated, to every other class")
    parser.add_argument("--run", type=Path, help="a run that there is, in place of training")
    parser.add_argument("--actions", type=Path)
    parser.add_argument("--work", type=Path, default=Path("translation"))
    arguments = parser.parse_args()
    run = arguments.run or arguments.work / "run"
    if arguments.run is None:
        clips = arguments.work / "shapes"
        if not clips.exists():
            arguments.work.mkdir(parents=True, exist_ok=True)
            command("prepare", "moving-shapes", clips)
        trained(clips, run, preset=arguments.preset, minutes=arguments.minutes, settings=arguments.settings)
    model = videogan.load(run)
    text = (
        on_actions(model, arguments.actions, arguments.count)
        if arguments.actions
        else on_shapes(model, arguments.count)
    )
    print(f"{heading(pick_device())}; step {model.card.step}, {', '.join(arguments.settings) or 'defaults'}\n\n{text}")


if __name__ == "__main__":
    main()
