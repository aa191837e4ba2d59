import subprocess
import sys
from pathlib import Path

import torch
from tiny_run import tiny_config

from videogan.models.build import build_discriminators, build_encoder, build_generator, shapes_only

ROOT = Path(__file__).parents[2]


def networks():
    config = tiny_config(
        "joint_discriminator.weight=0.5", "projected_discriminator.weight=1", "generator.max_half_life=32"
    )
    return [build_generator(config, 3), build_encoder(config), *build_discriminators(config, 3).values()]


def test_networks_have_the_shapes_of_real_ones_and_no_content():
    with shapes_only():
        shapes = networks()
    for real, shape in zip(networks(), shapes, strict=True):
        assert {name: (value.shape, value.dtype) for name, value in real.state_dict().items()} == {
            name: (value.shape, value.dtype) for name, value in shape.state_dict().items()
        }
        assert all(parameter.is_meta for parameter in shape.parameters())


def test_first_values_are_drawn_again_afterwards():
    with shapes_only():
        networks()
    assert torch.nn.Linear(4, 4).weight.std() > 0


def test_loading_a_model_does_not_load_torch_s_compiler():
    code = (
        "import sys, videogan\n"
        "model = videogan.load('shipped', 'cpu')\n"
        "model.sample(1).array()\n"
        "print([name for name in ('torch._dynamo', 'torchvision', 'torchmetrics') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
