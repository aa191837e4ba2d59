"""``videogan evaluate``: how good a model, or a folder of generated videos, is beside real ones."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from videogan.errors import MissingPathError, UsageError

if TYPE_CHECKING:
    from videogan.commands.evaluation import Request


RealArgument = Annotated[
    Path | None, typer.Argument(help="Folder of real videos; its sub-folders, if any, are the classes.")
]
RunOption = Annotated[
    Path | None, typer.Option("--run", help="Run folder, checkpoint or weights file; by default the newest run.")
]
GeneratedOption = Annotated[
    Path | None, typer.Option(help="Folder of generated videos, by whatever tool, in place of a model.")
]
SizeOption = Annotated[int | None, typer.Option(min=8, help="Height and width; by default the generated ones'.")]
FramesOption = Annotated[int | None, typer.Option(min=2, help="Frames of a clip; by default the model's, or 16.")]
StrideOption = Annotated[
    int | None, typer.Option(min=1, help="Step between frames of real clips; by default the model's, or 1.")
]
CompareOption = Annotated[
    tuple[Path, Path] | None, typer.Option(metavar="A.json B.json", help="Hold two reports side by side.")
]
FeaturesFileOption = Annotated[Path | None, typer.Option(help="Weights, where no package has them.")]
FetchOption = Annotated[
    bool, typer.Option("--fetch", help="Bring the I3D file over the network if need be; its hash is checked.")
]
PrecisionOption = Annotated[
    str, typer.Option(help="float32, or bfloat16: faster where the processor multiplies it; the report says which.")
]
LpipsOption = Annotated[Path | None, typer.Option(help="LPIPS as TorchScript, for the paired metric.")]


def evaluate(
    real: RealArgument = None,
    run: RunOption = None,
    generated: GeneratedOption = None,
    metrics: Annotated[str | None, typer.Option(metavar="A,B", help="Which metrics; by default all.")] = None,
    features: Annotated[str, typer.Option(help="What clips are described by.")] = "efficientnet-lite0",
    features_file: FeaturesFileOption = None,
    fetch: FetchOption = False,
    precision: PrecisionOption = "float32",
    lpips_file: LpipsOption = None,
    clips: Annotated[int, typer.Option(min=2, help="Clips of each set.")] = 256,
    seed: Annotated[int, typer.Option(min=0, help="Chooses the clips.")] = 0,
    size: SizeOption = None,
    frames: FramesOption = None,
    stride: StrideOption = None,
    generated_stride: Annotated[int, typer.Option(min=1, help="The same of generated videos.")] = 1,
    out: Annotated[Path, typer.Option(help="Folder of the report.")] = Path("evaluation"),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    compare: CompareOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Replace OUT if it exists.")] = False,
) -> None:
    """Measure generated clips beside real ones.

    Writes report.json, report.html and videos. Figures of two reports can be compared where their protocols agree.
    """
    if compare is not None:
        if real is not None:
            raise UsageError("--compare takes two reports and no folder; leave out REAL")
        _compare(*compare, as_json=as_json)
        return
    if real is None:
        raise UsageError("name the folder of real videos: videogan evaluate REAL")
    if run is not None and generated is not None:
        raise UsageError("--run and --generated name two things to evaluate; leave one out")
    for path in (real, generated, features_file, lpips_file):  # told before torch is loaded
        if path is not None and not os.path.lexists(path):
            raise MissingPathError(f"{path}: no such file or folder")
    _check_out(out, overwrite=yes)
    from videogan.commands.evaluation import Request

    request = Request(
        real=real,
        run=run,
        generated=generated,
        metrics=metrics,
        features=features,
        features_file=features_file,
        fetch=fetch,
        precision=precision,
        lpips_file=lpips_file,
        clips=clips,
        seed=seed,
        size=size,
        num_frames=frames,
        frame_stride=stride,
        generated_stride=generated_stride,
    )
    report = _run(request, out)
    _show(report, out, as_json=as_json)


def _check_out(out: Path, *, overwrite: bool) -> None:
    """Raise UsageError where OUT must not or cannot be written; only a report is ever replaced."""
    if not os.path.lexists(out):
        parent = next(path for path in out.absolute().parents if path.exists())
        if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
            raise UsageError(f"{out}: cannot be written below {parent}; name another folder by --out")
        return
    if not (out / "report.json").is_file():
        raise UsageError(f"{out}: exists and holds no report; name another folder by --out")
    if not overwrite:
        raise UsageError(f"{out}: exists already; --yes replaces it, --out names another folder")


def _run(request: "Request", out: Path) -> dict[str, Any]:
    """Evaluate into a folder beside OUT that takes its place once it is whole."""
    import shutil

    from videogan.commands.evaluation import run_evaluation

    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        part.mkdir(parents=True)
        report = run_evaluation(request, part)
        if out.exists():
            shutil.rmtree(out)
        part.rename(out)
    except OSError as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"{out}: the report cannot be written ({error.strerror}); make room or use --out") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return report


def _show(report: dict[str, Any], out: Path, *, as_json: bool) -> None:
    if as_json:
        import json

        typer.echo(json.dumps(report))
        return
    from videogan.metrics.page import aligned, table

    for warning in report["warnings"]:
        typer.echo(f"warning: {warning}", err=True)
    stamp = report["protocol"]
    typer.echo(
        f"{report['generated']} against {report['real']}: {stamp['generated_clips']} and {stamp['real_clips']} clips "
        f"of {stamp['num_frames']} frames, {stamp['size']} x {stamp['size']}, features {stamp['features']}"
    )
    typer.echo("\n".join(aligned(table(report))))
    typer.echo(out / "report.html")


def _compare(first: Path, second: Path, *, as_json: bool) -> None:
    from videogan.metrics.page import aligned
    from videogan.metrics.protocol import compare, read_report

    found = compare(read_report(first), read_report(second), (str(first), str(second)))
    if as_json:
        import json

        typer.echo(json.dumps(found))
        return
    lines = [f"metric\t{first}\t{second}\treal against real\tgood is"]
    for name, row in found["metrics"].items():
        numbers = ["" if row[key] is None else f"{row[key]:.4g}" for key in ("a", "b", "real_vs_real")]
        lines.append("\t".join((name, *numbers, row["goal"])))
    typer.echo("\n".join([*aligned(lines), *found["notes"]]))
