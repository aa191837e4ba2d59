"""``videogan export``: a trained model as one file for other programs."""

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from videogan.commands.sample import RunOption, YesOption
from videogan.errors import MissingPathError, UsageError, did_you_mean

if TYPE_CHECKING:
    from videogan.checkpoint import Weights

_log = logging.getLogger(__name__)

SUFFIXES = (".safetensors", ".onnx", ".pt2")


def export(
    out: Annotated[Path, typer.Argument(help="What to write: .safetensors (weights), .onnx or .pt2 (streaming step).")],
    run: RunOption = None,
    precision: Annotated[
        Literal["float32", "float16"] | None,
        typer.Option(help="Of the weights in a .safetensors file; float16 halves it, float32 is the default."),
    ] = None,
    yes: YesOption = False,
) -> None:
    """Write a model for sharing, or its streaming step for programs without videogan."""
    _check_out(out, precision, overwrite=yes)
    from videogan.checkpoint import load_weights, pack_weights
    from videogan.files import write_bytes
    from videogan.runs import find_weights

    suffix = out.suffix.lower()
    if suffix == ".onnx":
        from videogan.export.files import check_onnx_packages

        check_onnx_packages()
    source = find_weights(run)
    weights = load_weights(source)
    if suffix == ".safetensors":
        data = pack_weights(weights, half=precision == "float16")
    else:
        data = _step_bytes(suffix, weights, source)
    try:
        write_bytes(out, data)
    except OSError as error:
        raise UsageError(f"{out}: cannot be written ({error.strerror}); make room, or choose another folder") from None
    _log.info("%s: %.2f MB", out, len(data) / 1e6)
    typer.echo(out)


def _step_bytes(suffix: str, weights: "Weights", source: Path) -> bytes:
    from videogan.checkpoint import fingerprint
    from videogan.export import files
    from videogan.export.step import StreamingStep, describe

    about = describe(weights.generator, weights.card, fingerprint(source).sha256)
    make = files.onnx_bytes if suffix == ".onnx" else files.program_bytes
    data, largest = make(StreamingStep(weights.generator), about)
    _log.info("largest difference from PyTorch over %d steps: %.1e", files.CHECKED_STEPS, largest)
    files.check_difference(largest)
    return data


def _check_out(out: Path, precision: str | None, *, overwrite: bool) -> None:
    """Tell what is wrong with OUT before anything heavy is loaded."""
    suffix = out.suffix.lower()
    if suffix not in SUFFIXES:
        hint = did_you_mean(suffix, SUFFIXES)
        raise UsageError(f"{out}: the suffix says what is written{hint}; use {', '.join(SUFFIXES)}")
    if precision is not None and suffix != ".safetensors":
        raise UsageError(f"--precision is for .safetensors; {suffix} files are always float32")
    if not out.parent.is_dir():
        raise MissingPathError(f"{out.parent}: no such folder; make it first")
    if os.path.lexists(out) and not (out.is_file() or out.is_symlink()):
        raise UsageError(f"{out} is not a regular file; choose another name")
    if os.path.lexists(out) and not overwrite:
        raise UsageError(f"{out} exists; use --yes to replace it, or another name")
    if not os.access(out.parent, os.W_OK | os.X_OK):
        raise UsageError(f"{out.parent}: no permission to write here; choose another folder")
