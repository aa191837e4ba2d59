"""``videogan reconstruct``: a clip, its latents, and the clip that they make, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from videogan.commands.sample import ClassOption, NoMetadataOption, RunOption, YesOption

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from torch import Tensor

    from videogan.model import Model
    from videogan.models.latents import ClipLatents

InArgument = Annotated[Path, typer.Argument(metavar="IN", help="A video, or a folder of images.")]
OutArgument = Annotated[
    Path, typer.Argument(metavar="OUT", help="What to write: .mp4 .webm .gif .webp .png, or a folder of frames.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def reconstruct(
    clip: InArgument,
    out: OutArgument,
    run: RunOption = None,
    refine: Annotated[int, typer.Option(min=0, help="Steps of optimisation after the encoder.")] = 0,
    class_name: ClassOption = None,
    latents: Annotated[Path | None, typer.Option(help="Write the latents to this .safetensors file.")] = None,
    as_json: JsonOption = False,
    no_metadata: NoMetadataOption = False,
    yes: YesOption = False,
) -> None:
    """Encode a clip of any length and show it beside what its latents make, with PSNR and SSIM.

    Without --class, a model with classes takes the one of lowest error.
    """
    from videogan.commands.options import check_input

    check_input(clip)
    from videogan.artifacts.latents_file import check_latents_path
    from videogan.commands import rendering

    paths = rendering.numbered_paths(out, 1, overwrite=yes)
    rendering.refuse_stdout(out)
    if latents is not None:
        check_latents_path(latents, overwrite=yes)
    model = rendering.load_model(run)
    report, found, frames = _invert(model, clip, refine, class_name)
    comment = rendering.recipe_text(
        model,
        "reconstruct",
        frames=len(frames),
        options={"clip": clip.name, "refine": refine, "class_name": report["class"]},
    )
    chunks = _side_by_side(model, frames, found)
    rendering.write_videos(
        paths, chunks, frame_rate=model.frame_rate, overwrite=yes, comments=None if no_metadata else [comment]
    )
    if latents is not None:
        model.save_latents(latents, found, overwrite=yes)
    report = {"out": str(out), "latents": None if latents is None else str(latents), **report}
    if as_json:
        import json

        typer.echo(json.dumps(report))
    else:
        typer.echo("\n".join(_lines(report)))


def _invert(
    model: Model, path: Path, steps: int, class_name: str | None
) -> tuple[dict[str, Any], ClipLatents, np.ndarray]:
    """Return the figures, the latents, and the clip's frames."""
    from videogan.commands.progress import reading_bar

    frames = model.read_clip(path)
    found = model.invert(frames, steps=0, class_name=class_name).latents
    encoder = _quality(model, frames, found)
    refined = gain = None
    if steps:
        with reading_bar("refining") as progress:
            found = model.invert(frames, steps=steps, class_name=class_name, progress=progress).latents
        refined = {"steps": steps, **_quality(model, frames, found)}
        gain = {name: refined[name] - value for name, value in encoder.items()}
    report = {
        "frames": len(frames),
        "class": None if found.label is None else model.class_names[found.label],
        "class_chosen": class_name is None and found.label is not None,
        "encoder": encoder,
        "refined": refined,
        "gain": gain,
    }
    return report, found, frames


def _quality(model: Model, frames: np.ndarray, latents: ClipLatents) -> dict[str, float]:
    import torch

    from videogan.generation.inversion import render
    from videogan.metrics.paired import psnr, ssim
    from videogan.video import to_float

    made = torch.cat(list(render(model.generator, latents)), dim=1).cpu()
    real = to_float(frames)[None]
    return {"psnr": psnr(made, real), "ssim": ssim(made, real)}


def _side_by_side(model: Model, frames: np.ndarray, latents: ClipLatents) -> Iterator[Tensor]:
    """Yield the clip to the left of its reconstruction: ``1 t c h 2w``."""
    import torch

    from videogan.generation.inversion import render
    from videogan.video import to_float

    first = 0
    for chunk in render(model.generator, latents):
        real = to_float(frames[first : first + chunk.shape[1]])[None]
        first += chunk.shape[1]
        yield torch.cat([real, chunk.cpu()], dim=-1)


def _lines(report: dict[str, Any]) -> list[str]:
    lines = [report["out"]]
    if report["latents"]:
        lines.append(report["latents"])
    if report["class"] is not None:
        lines.append(f"class: {report['class']}" + (" (of lowest error)" if report["class_chosen"] else ""))
    lines.append("encoder alone: PSNR {psnr:.2f} dB, SSIM {ssim:.3f}".format(**report["encoder"]))
    if report["refined"]:
        lines.append("after {steps} steps: PSNR {psnr:.2f} dB, SSIM {ssim:.3f}".format(**report["refined"]))
        lines.append("improved by {psnr:.2f} dB, SSIM by {ssim:.3f}".format(**report["gain"]))
    return lines
