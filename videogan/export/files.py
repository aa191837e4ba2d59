"""The streaming step as the bytes of a file: a torch.export program or an ONNX graph, each held against PyTorch."""

import copy
import importlib.util
import io
import json
import logging
import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from videogan.artifacts.weights import NetworkTensors, Weights, pack_weights
from videogan.errors import CheckpointError, UsageError, did_you_mean
from videogan.export.step import StepDescription, StreamingStep, describe_step, example_inputs
from videogan.files import check_destination, write_bytes

_log = logging.getLogger(__name__)

LARGEST_DIFFERENCE = 1e-3
"""A graph that differs by more from PyTorch, in any value of the frames or the state, is not kept."""
CHECKED_STEPS = 8
SUFFIXES = (".safetensors", ".onnx", ".pt2")
ONNX_PACKAGES = ("onnx", "onnxscript", "onnxruntime")

Precision = Literal["float32", "float16"] | None
"""Of the weights in a .safetensors file; None is float32."""
StepFunction = Callable[[Sequence[Tensor]], Sequence[Tensor]]
"""A step as a function of its inputs."""


def export_model(
    weights: Weights,
    model_sha256: str,
    path: Path,
    *,
    precision: Precision,
    discriminators: NetworkTensors | None,
    overwrite: bool,
) -> None:
    """Write weights (.safetensors) or the streaming step (.onnx, .pt2), whole or not at all.

    With ``discriminators`` the weights are for training on.

    Raises:
        UsageError: the path or the precision does not fit, a package is not installed, or the disk is full.
        CheckpointError: the graph does not do what the model does.
    """
    check_export(path, precision=precision, for_training=discriminators is not None, overwrite=overwrite)
    suffix = path.suffix.lower()
    if suffix == ".safetensors":
        data = pack_weights(weights, half=precision == "float16", discriminators=discriminators)
    else:
        # The graph is checked on the CPU, where onnxruntime runs it.
        about = describe_step(weights.generator, weights.card, model_sha256)
        step = StreamingStep(copy.deepcopy(weights.generator).cpu())
        data, largest = (onnx_bytes if suffix == ".onnx" else program_bytes)(step, about)
        _log.info("largest difference from PyTorch over %d steps: %.1e", CHECKED_STEPS, largest)
        check_difference(largest)
    try:
        write_bytes(path, data)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}); make room, or choose another folder") from None
    _log.info("%s: %.2f MB", path, len(data) / 1e6)


def check_export(path: Path, *, precision: Precision, for_training: bool, overwrite: bool) -> None:
    """Raise UsageError where nothing can be exported to ``path``, or MissingPathError without its folder."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        hint = did_you_mean(suffix, SUFFIXES)
        raise UsageError(f"{path}: the suffix says what is written{hint}; use {', '.join(SUFFIXES)}")
    if precision is not None and suffix != ".safetensors":
        raise UsageError(f"--precision is for .safetensors; {suffix} files are always float32")
    if for_training and suffix != ".safetensors":
        raise UsageError(f"--for-training is for .safetensors; {suffix} files hold the streaming step only")
    check_destination(path, overwrite=overwrite)
    if suffix == ".onnx":
        check_onnx_packages()


def check_onnx_packages() -> None:
    """Raise UsageError unless the packages that ONNX needs are installed."""
    absent = [name for name in ONNX_PACKAGES if importlib.util.find_spec(name) is None]
    if absent:
        raise UsageError(f"ONNX needs {', '.join(absent)}, not installed here: pip install 'videogan[export]'")


def program_bytes(step: StreamingStep, about: StepDescription) -> tuple[bytes, float]:
    """Return the step as a torch.export program, and its largest difference from PyTorch.

    The metadata lie in its extra file ``videogan.json``.
    """
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own, about the GRU's weights, which torch keeps twice
        torch.export.save(_program(step), file, extra_files={"videogan.json": json.dumps(about.metadata)})
        file.seek(0)
        loaded = torch.export.load(file).module()
    return file.getvalue(), difference(step, lambda inputs: loaded(*inputs))


def onnx_bytes(step: StreamingStep, about: StepDescription) -> tuple[bytes, float]:
    """Return the step as an ONNX graph, and its largest difference from PyTorch in onnxruntime.

    Raises:
        UsageError: a package that this needs is not installed.
    """
    check_onnx_packages()
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read when it is imported: nothing is sent or noted
    import onnxruntime

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own, about its own code
        exported = torch.onnx.export(
            _program(step), dynamo=True, verbose=False, input_names=about.inputs, output_names=about.outputs
        )
    assert exported is not None
    graph = exported.model_proto
    for key, value in about.metadata.items():
        graph.metadata_props.add(key=key, value=value)
    data = graph.SerializeToString()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])

    def run(inputs: Sequence[Tensor]) -> Sequence[Tensor]:
        values = {name: tensor.numpy() for name, tensor in zip(about.inputs, inputs, strict=True)}
        return [torch.from_numpy(value) for value in session.run(list(about.outputs), values)]

    return data, difference(step, run)


@torch.inference_mode()
def difference(step: StreamingStep, other: StepFunction) -> float:
    """Return the largest difference between two forms of one step over some steps, each going on from its own state."""
    source = torch.Generator().manual_seed(0)
    inputs = example_inputs(step.generator, source)
    before = len(inputs) - len(step(*inputs)) + 1
    fixed, states, largest = inputs[: before - 1], [inputs[before:]] * 2, 0.0
    for _ in range(CHECKED_STEPS):
        noise = torch.randn(inputs[before - 1].shape, generator=source)
        outputs = [run((*fixed, noise, *state)) for run, state in zip((lambda x: step(*x), other), states, strict=True)]
        largest = max(largest, *(float((a - b).abs().max()) for a, b in zip(*outputs, strict=True)))
        states = [tuple(values[1:]) for values in outputs]
    return largest


def check_difference(largest: float) -> None:
    """Raise CheckpointError if an exported graph does not do what the model does."""
    if not largest <= LARGEST_DIFFERENCE:
        raise CheckpointError(
            f"the exported graph differs from PyTorch by {largest:.1e}, more than {LARGEST_DIFFERENCE:g}; nothing is "
            "written; other versions of torch and onnxruntime may agree"
        )


def _program(step: StreamingStep) -> torch.export.ExportedProgram:
    inputs = example_inputs(step.generator, torch.Generator().manual_seed(0))
    return torch.export.export(step, inputs)
