"""What the encoder finds: reconstruction of people held out, and the cycle from latents to clips and back.

    python benchmarks/encoder.py ACTIONS --held-out person8,person9 --minutes 25 --set data.frame_stride=2

The options and the run are those of ``benchmarks/classes.py``. Reconstruction stands beside two baselines that know
the same training clips: the mean of those of the class, and the nearest of all of them. ``--refine`` is the number of
steps of optimisation after the encoder.
"""

from pathlib import Path
from statistics import mean

import torch
from classes import arguments_of, run_of
from measuring import table
from running import clips_of
from torch import Tensor

import videogan
from videogan.metrics.paired import psnr, ssim
from videogan.model import Model
from videogan.models.latents import Latents
from videogan.video import to_float, to_uint8

TRAINING_CLIPS = 2048


def reconstructed(model: Model, clip: Tensor, name: str, steps: int) -> Tensor:
    """Return what the latents of a clip ``t c h w`` make, encoded and refined as of its class."""
    latents = model.encode(to_uint8(clip), refine=steps, class_name=name if model.class_names else None).latents
    return to_float(model.decode(latents).array())


def reconstruction(model: Model, seen: Path, unseen: Path, *, count: int, steps: int) -> list[list[str]]:
    """Return the rows of reconstruction: PSNR and SSIM, the mean over clips."""
    data = model.card.config.data
    training_clips, known_names = clips_of(seen, data, TRAINING_CLIPS)
    clips, names = clips_of(unseen, data, count)
    columns: dict[str, list[Tensor]] = {
        title: []
        for title in ("encoder alone", f"after {steps} steps", "mean clip of its class", "nearest training clip")
    }
    for clip, name in zip(clips, names, strict=True):
        same = torch.tensor([other == name for other in known_names])
        nearest = int((training_clips - clip).square().flatten(1).mean(dim=1).argmin())
        encoded, refined = (reconstructed(model, clip, name, count) for count in (0, steps))
        candidates = encoded, refined, training_clips[same].mean(dim=0), training_clips[nearest]
        for column, one in zip(columns.values(), candidates, strict=True):
            column.append(one)
    return [
        [
            title,
            f"{mean(psnr(one[None], clip[None]) for one, clip in zip(column, clips, strict=True)):.2f}",
            f"{mean(ssim(one[None], clip[None]) for one, clip in zip(column, clips, strict=True)):.3f}",
        ]
        for title, column in columns.items()
    ]


@torch.no_grad()
def cycle(model: Model, *, count: int) -> list[list[str]]:
    """Return for content and motion the correlation of z and E(G(z)): over samples, the mean over the code's values.

    Motion codes are compared within a class and step, so that knowing the class or the place counts for nothing.
    """
    generator, source = model.generator, torch.Generator().manual_seed(0)
    steps = model.card.config.data.num_frames // generator.frames_per_step
    burn_in = model.card.config.train.max_burn_in
    drawn = (count, 1 + burn_in + generator.context_steps + steps, generator.noise_dim)
    rows: dict[str, list[Tensor]] = {"content": [], "motion": []}
    for label in range(max(1, generator.num_classes)):
        labels = torch.full((count,), label) if generator.num_classes else None
        content = torch.randn(count, generator.content_dim, generator=source)
        latents = Latents(content, torch.randn(drawn, generator=source), labels)
        generated = generator(latents.to(model.device), burn_in=burn_in)
        codes = model.encoder(generated.frames.clamp(-1, 1))
        rows["content"].append(_correlation(generated.content, codes.content))
        true_motion = generated.motion_codes[:, -steps:]
        rows["motion"].append(_correlation(true_motion.flatten(1), codes.motion_codes.flatten(1)))
    return [[name, f"{torch.cat(parts).mean():.3f}"] for name, parts in rows.items()]


def _correlation(a: Tensor, b: Tensor) -> Tensor:
    """Pearson's correlation of the columns of two tables (n d)."""
    a, b = a - a.mean(dim=0), b - b.mean(dim=0)
    return (a * b).sum(dim=0) / (a.norm(dim=0) * b.norm(dim=0)).clamp_min(1e-12)


def main() -> None:
    """Train, reconstruct, go round the cycle, and print both tables."""
    parser = arguments_of(__doc__)
    parser.add_argument("--count", type=int, default=32, help="clips of held-out people")
    parser.add_argument("--refine", type=int, default=200)
    arguments = parser.parse_args()
    seen, unseen, run, about = run_of(arguments)
    model = videogan.load(run)
    rows = reconstruction(model, seen, unseen, count=arguments.count, steps=arguments.refine)
    print(f"{about}\n\n{table((f'{arguments.count} clips of people held out', 'PSNR, dB', 'SSIM'), rows)}\n")
    print(table(("code", "correlation of z and E(G(z))"), cycle(model, count=64)))


if __name__ == "__main__":
    main()
