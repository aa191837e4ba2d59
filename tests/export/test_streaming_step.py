import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from tiny_generator import tiny_generator
from tiny_run import tiny_config

from videogan.artifacts.weights import Card
from videogan.errors import CheckpointError
from videogan.export import files
from videogan.export.step import StreamingStep, describe_step, example_inputs
from videogan.generation.sampling import latent_stream, stream, take

CASES = [pytest.param(0, (), id="no-classes"), pytest.param(2, ("generator.prior=normal",), id="classes-normal")]


def step_of(num_classes, settings):
    generator = tiny_generator(num_classes, *settings)
    names = ("right", "down")[:num_classes]
    card = Card(tiny_config(*settings), names, frame_rate=25, step=3, clips_seen=12)
    return StreamingStep(generator), describe_step(generator, card, "0" * 64)


@pytest.mark.parametrize(("num_classes", "settings"), CASES)
def test_after_its_warm_up_a_loop_of_steps_gives_the_videos_of_stream(num_classes, settings):
    """From a decoder state of zeros: what is left of it after the warm-up is nothing."""
    step, about = step_of(num_classes, settings)
    generator = step.generator
    latents = latent_stream(generator, [1])
    values = dict(zip(about.inputs, example_inputs(generator, torch.Generator()), strict=True))
    values["content_noise"] = latents.content_noise
    values["integrators"] = latents.motion_noise(1)[:, 0]
    if num_classes:
        values["class_shares"] = torch.tensor([[0.0, 1.0]])
    frames = []
    with torch.inference_mode():
        for number in range(int(about.metadata["warm_up_steps"]) + 6):
            values["motion_noise"] = latents.motion_noise(1)
            outputs = dict(zip(about.outputs, step(*values.values()), strict=True))
            values |= {name.removeprefix("next_"): value for name, value in outputs.items() if name != "frames"}
            if number >= int(about.metadata["warm_up_steps"]):
                frames.append(outputs["frames"])
    labels = torch.tensor([1]) if num_classes else None
    expected = torch.cat(list(take(stream(generator, [1], labels), 24)), dim=1)
    assert torch.allclose(torch.cat(frames, dim=1), expected, atol=1e-5)


@pytest.mark.parametrize(("num_classes", "settings"), CASES)
def test_onnx_and_torch_export_do_what_pytorch_does(num_classes, settings):
    step, about = step_of(num_classes, settings)
    data, largest = files.onnx_bytes(step, about)
    assert 0 < largest < 1e-4
    onnx.checker.check_model(onnx.load_from_string(data))
    session = onnxruntime.InferenceSession(data)
    assert tuple(node.name for node in session.get_inputs()) == about.inputs
    assert tuple(node.name for node in session.get_outputs()) == about.outputs
    metadata = session.get_modelmeta().custom_metadata_map
    assert metadata == about.metadata
    assert json.loads(metadata["class_names"]) == ["right", "down"][:num_classes]
    _, largest = files.program_bytes(step, about)
    assert largest < 1e-4


def test_the_check_sees_a_graph_of_other_weights():
    step, _ = step_of(2, ())
    other = StreamingStep(tiny_generator(2, "train.seed=1"))
    with torch.no_grad():
        next(iter(other.generator.stages[-1].parameters())).add_(0.5)
    largest = files.difference(step, lambda inputs: other(*inputs))
    with pytest.raises(CheckpointError, match="nothing is written"):
        files.check_difference(largest)
    with pytest.raises(CheckpointError):
        files.check_difference(float(np.nan))
