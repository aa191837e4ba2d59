"""``videogan evaluate``: how good a model, or a folder of generated videos, is beside real ones."""

import json
import logging
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

import videogan
from videogan.commands import options
from videogan.commands.console import echo, printable, tell_model
from videogan.commands.progress import bars
from videogan.errors import MissingPathError, UsageError

_log = logging.getLogger(__name__)

RealArgument = Annotated[
    Path | None, typer.Argument(help="Folder or tar shards of real videos; sub-folders, if any, are the classes.")
]
GeneratedOption = Annotated[
    Path | None, typer.Option(help="Folder of generated videos, by whatever tool, in place of a model.")
]
SizeOption = Annotated[
    int | None, typer.Option(help="Height and width of the clips of two folders; by default the generated ones'.")
]
FramesOption = Annotated[int | None, typer.Option(help="Frames of a clip; by default the model's, or 16.")]
StrideOption = Annotated[
    int | None, typer.Option(help="Step between frames of real clips; by default the model's, or 1.")
]
CompareOption = Annotated[
    tuple[Path, Path] | None, typer.Option(metavar="A.json B.json", help="Hold two reports side by side.")
]
FeaturesFileOption = Annotated[Path | None, typer.Option(help="Weights, where no package has them.")]
FetchOption = Annotated[
    bool, typer.Option("--fetch", help="Bring the I3D file over the network if need be; its hash is checked.")
]
TrustOption = Annotated[
    bool, typer.Option("--trust", help="Run the programs that the named TorchScript files are, though unknown.")
]
PrecisionOption = Annotated[
    str, typer.Option(help="float32, or bfloat16: faster where the processor multiplies it; the report says which.")
]
ReferencesOption = Annotated[
    bool, typer.Option("--references/--no-references", help="Figures of real clips spoilt in known ways.")
]
LpipsOption = Annotated[Path | None, typer.Option(help="LPIPS as TorchScript, for the paired metric.")]


def evaluate(
    real: RealArgument = None,
    run: options.RunOption = None,
    best: options.BestOption = False,
    generated: GeneratedOption = None,
    metrics: Annotated[str | None, typer.Option(metavar="A,B", help="Which metrics; by default all.")] = None,
    features: Annotated[str, typer.Option(help="What clips are described by.")] = "own",
    features_file: FeaturesFileOption = None,
    fetch: FetchOption = False,
    trust: TrustOption = False,
    precision: PrecisionOption = "float32",
    lpips_file: LpipsOption = None,
    clips: Annotated[int, typer.Option(help="Clips of each set.")] = 256,
    seed: Annotated[int, typer.Option(min=0, help="Chooses the clips.")] = 0,
    size: SizeOption = None,
    frames: FramesOption = None,
    stride: StrideOption = None,
    generated_stride: Annotated[int, typer.Option(help="The same of generated videos.")] = 1,
    references: ReferencesOption = True,
    out: Annotated[Path, typer.Option(help="Folder of the report.")] = Path("evaluation"),
    as_json: options.JsonOption = False,
    compare: CompareOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Replace the report in OUT.")] = False,
) -> None:
    """Measure generated clips beside real ones.

    Writes report.json, report.html and videos. Figures of two reports can be compared where their protocols agree.
    """
    if compare is not None:
        _compare(*compare, real, as_json=as_json)
        return
    if real is None:
        raise UsageError("name the folder of real videos: videogan evaluate REAL")
    _check_paths(real, run, generated, features_file, lpips_file)

    with bars() as progress:
        model = videogan.load(run, best=best) if generated is None else None
        report = videogan.evaluate(
            real,
            model=model,
            generated=generated,
            metrics=None if metrics is None else [name.strip() for name in metrics.split(",")],
            features=videogan.load_features(
                features, path=features_file, precision=precision, fetch=fetch, trust=trust
            ),
            lpips=None if lpips_file is None else videogan.load_lpips(lpips_file, trust=trust),
            clips=clips,
            seed=seed,
            size=size,
            num_frames=frames,
            frame_stride=stride,
            generated_stride=generated_stride,
            references=references,
            out=out,
            overwrite=yes,
            progress=progress,
        )
    if model is not None:
        tell_model(model)
    _print(report, out, as_json=as_json)


def _check_paths(real: Path, run: Path | None, generated: Path | None, *files: Path | None) -> None:
    if run is not None and generated is not None:
        raise UsageError("--run and --generated name two things to evaluate; leave one out")
    for path in (real, generated):  # told before torch is loaded
        if path is not None:
            options.check_clips(path)
    for path in files:
        if path is not None and not os.path.lexists(path):
            raise MissingPathError(f"{printable(path)}: no such file or folder")


def _print(report: "videogan.Report", out: Path, *, as_json: bool) -> None:
    if as_json:
        echo(json.dumps(report.model_dump()))
        return
    for warning in report.warnings:
        _log.warning("%s", warning)
    echo(*report.lines(), out / "report.html")


def _compare(first: Path, second: Path, real: Path | None, *, as_json: bool) -> None:
    if real is not None:
        raise UsageError("--compare takes two reports and no folder; leave out REAL")
    comparison = videogan.compare(first, second)
    echo(*([json.dumps(asdict(comparison))] if as_json else comparison.lines()))
