"""``videogan reconstruct``: a clip, its latents, and the clip that they make, side by side."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

import videogan
from videogan.commands import folders, options
from videogan.commands.console import tell_model
from videogan.commands.progress import bars, counting
from videogan.errors import UsageError


def reconstruct(
    clip: options.InArgument,
    out: options.OutArgument,
    run: options.RunOption = None,
    best: options.BestOption = False,
    refine: options.RefineOption = 0,
    class_name: options.ClassOption = None,
    latents: Annotated[Path | None, typer.Option(help="Write the latents to this .safetensors file.")] = None,
    as_json: options.JsonOption = False,
    scale: options.ScaleOption = None,
    no_metadata: options.NoMetadataOption = False,
    yes: options.YesOption = False,
) -> None:
    """Encode a clip of any length and show it beside what its latents make, with PSNR and SSIM.

    Without --class, a model with classes takes the one of lowest error.
    """
    whole_folder = folders.holds_files(clip, out, overwrite=yes)
    if whole_folder and latents is not None:
        raise UsageError("a folder goes in, and --latents names one file; leave it out")
    options.check_latents_out(latents, overwrite=yes)
    model = videogan.load(run, best=best)

    def one(source: Path, target: Path) -> dict[str, Any]:
        with bars() as show:
            result = model.reconstruct(
                model.read_clip(source), refine=refine, class_name=class_name, progress=partial(show, "refining")
            )
            stream = result.stream.with_options(clip=source.name).scaled(options.scale_of(scale, target))
            stream.save(target, overwrite=yes, metadata=not no_metadata, progress=counting(show))
        if latents is not None:
            model.save_latents(latents, result.latents, overwrite=yes)
        return {
            "out": str(target),
            "latents": None if latents is None else str(latents),
            "frames": result.latents.num_frames,
            "class": result.class_name,
            "class_chosen": class_name is None and result.class_name is not None,
            "encoder": result.encoder,
            "refined": None if result.refined is None else {"steps": refine, **result.refined},
            "gain": result.refined and {name: result.refined[name] - value for name, value in result.encoder.items()},
        }

    folders.run(one, clip, out, _lines, whole_folder=whole_folder, as_json=as_json, overwrite=yes)
    tell_model(model)


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
