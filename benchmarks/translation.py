"""How well clips are shown as another class: on moving shapes the truth is known, the same path and hue, another shape.

    python benchmarks/translation.py --against encoder.translation_weight=0.1 --against encoder.class_cycle_weight=1
    python benchmarks/translation.py --against encoder.translation_weight=0.1 --actions ACTIONS --from RUN --minutes 2

Models learn moving shapes for so many minutes, from the starter or from the model that ``--from`` names, one with the
defaults and one with every ``--against``, by several seeds; clips that they have not seen are translated to each other
class. Told are the share that features learnt on real clips take for the class asked for, the mean distance of the
centre from the truth's in pixels, that of the hue in degrees, and PSNR against the truth, beside the same of the clips
as they are and of clips of the class by seed: means over the seeds, with each one's. With ``--actions`` models learn
such a folder, where only the first figure is known. A second call goes on with what is in ``--work``.
"""

import argparse
import colorsys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

import imageio.v3 as imageio
import torch
from einops import rearrange, reduce, repeat
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


def compared(clips: Sequence[Tensor], truths: Sequence[Tensor], names: list[str], known: Clips) -> list[float]:
    """Return the four figures of clips that should be of the named classes and look like the truths."""
    pairs = list(zip(clips, truths, strict=True))
    angles = [abs(hue(clip) - hue(truth)) for clip, truth in pairs]
    return [
        reached(known, torch.stack(list(clips)), names),
        mean(float((centres(clip) - centres(truth)).norm(dim=1).mean()) for clip, truth in pairs),
        mean(min(angle, 360 - angle) for angle in angles),
        mean(psnr(clip[None], truth[None]) for clip, truth in pairs),
    ]


def reached(known: Clips, clips: Tensor, names: list[str]) -> float:
    """Return the share of clips ``n t c h w`` that pass for the named class, by features of known clips."""
    return class_accuracies(own_features(known), known, Clips(clips, names, torch.arange(len(clips))))["mean"]


def translated(model: Model, clip: Tensor, name: str) -> Tensor:
    """Return a clip ``t c h w`` as the model shows it under a class."""
    return to_float(model.translate(to_uint8(clip), name).array())


def on_shapes(model: Model, count: int) -> dict[str, list[float]]:
    """Return the figures of unseen shapes, by what is judged."""
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
    judged = {
        "translated": [translated(model, clip, other) for clip, other in zip(given, names, strict=True)],
        "the clips as they are": given,
        "samples of the class": samples(model, names),
        "the truth": truths,
    }
    return {title: compared(clips, truths, names, known) for title, clips in judged.items()}


def on_actions(model: Model, actions: Path, count: int) -> dict[str, list[float]]:
    """Return the class that is reached on a folder of real clips, one folder a class, by what is judged."""
    known = clips_of(actions, model.card.config.data, 2048)
    given, names = [], []
    for name in model.class_names:
        others = [clip for clip, own in zip(known.clips, known.names, strict=True) if own != name]
        given += others[:: max(1, len(others) // count)][:count]
        names += [name] * (len(given) - len(names))
    judged = {
        "translated": [translated(model, clip, name) for clip, name in zip(given, names, strict=True)],
        "the clips as they are": given,
        "samples of the class": samples(model, names),
    }
    return {title: [reached(known, torch.stack(clips), names)] for title, clips in judged.items()}


def write_sheet(model: Model, path: Path) -> None:
    """Write three moments of six unseen shapes, and beside each the same moments of both other classes."""
    size, num_frames, rows = model.card.config.data.size, 2 * model.card.config.data.num_frames, []
    for number in range(6):
        name = SHAPES[number % len(SHAPES)]
        clip = shape_clip(UNSEEN + number, name, size, num_frames)
        shown = [clip, *(translated(model, clip, other) for other in SHAPES if other != name)]
        moments = [0, num_frames // 2, num_frames - 1]
        rows.append(rearrange(torch.stack(shown)[:, moments], "n t c h w -> h (n t w) c"))
    picture = repeat(torch.cat(rows), "h w c -> (h y) (w x) c", y=3, x=3)
    imageio.imwrite(path, rearrange(to_uint8(rearrange(picture, "h w c -> 1 c h w")), "1 h w c -> h w c"))


def samples(model: Model, names: list[str]) -> list[Tensor]:
    """Return a generated clip ``t c h w`` of every class named."""
    num_frames = model.card.config.data.num_frames
    return [
        to_float(model.sample(num_frames, seeds=[number], classes=name).array()) for number, name in enumerate(names)
    ]


def rows_of(arm: str, by_seed: list[dict[str, list[float]]]) -> list[list[str]]:
    """Return the rows of one arm: of every figure the mean over the seeds, and each one's."""
    return [
        [
            arm,
            title,
            *(
                f"{mean(values):.3g} ({', '.join(f'{value:.3g}' for value in values)})"
                for values in zip(*(seed[title] for seed in by_seed), strict=True)
            ),
        ]
        for title in by_seed[0]
    ]


def main() -> None:
    """Train, translate, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=6.5)
    parser.add_argument("--from", dest="start_from", default="starter", metavar="MODEL")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="GROUP.KEY=VALUE")
    parser.add_argument("--against", action="append", default=[], metavar="GROUP.KEY=VALUE", help="one model more each")
    parser.add_argument("--count", type=int, default=12, help="clips, to every other class; of actions, to each class")
    parser.add_argument("--actions", type=Path)
    parser.add_argument("--sheet", type=Path, help="PNG of shapes and what the last model makes of them")
    parser.add_argument("--work", type=Path, default=Path("translation"))
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    clips = arguments.actions or arguments.work / "shapes"
    if arguments.actions is None and not clips.exists():
        command("prepare", "moving-shapes", clips)
    rows = []
    for arm in ["defaults", *arguments.against]:
        by_seed = []
        for seed in range(arguments.seeds):
            run = arguments.work / f"{clips.name}-{arm}-{seed}"
            settings = [*arguments.settings, f"train.seed={seed}", *([] if arm == "defaults" else [arm])]
            begin, minutes = arguments.start_from, arguments.minutes
            trained(clips, run, preset=None, minutes=minutes, settings=settings, start_from=begin)
            model, count = videogan.load(run), arguments.count
            by_seed.append(on_actions(model, clips, count) if arguments.actions else on_shapes(model, count))
        rows += rows_of(arm, by_seed)
    if arguments.sheet and not arguments.actions:
        write_sheet(model, arguments.sheet)
    head = ("settings", "judged", "class reached", "centre, pixels", "hue, degrees", "PSNR, dB")
    text = table(head[: len(rows[0])], rows)
    print(f"{heading(pick_device())}; {arguments.minutes:g} minutes from {arguments.start_from}\n\n{text}")


if __name__ == "__main__":
    main()
