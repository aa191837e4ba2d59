"""The streaming step as the bytes of a file: a torch.export program or an ONNX graph, each held against PyTorch."""

import importlib.util
import io
import json
import warnings
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from videogan.errors import CheckpointError, UsageError
from videogan.export.step import StepDescription, StreamingStep, example_inputs

LARGEST_DIFFERENCE = 1e-3
"""A graph that differs by more from PyTorch, in any value of the frames or the state, is not kept."""
CHECKED_STEPS = 8
ONNX_PACKAGES = ("onnx", "onnxscript", "onnxruntime")

Run = Callable[[Sequence[Tensor]], Sequence[Tensor]]
"""A step as a function of its inputs."""


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
def difference(step: StreamingStep, other: Run) -> float:
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
