"""Channels lie innermost in features, so that no convolution has to copy them; pixels of three channels may differ."""

import pytest
import torch
from tiny_run import run_step, tiny_config, tiny_state
from torch import nn


def innermost(x: torch.Tensor) -> bool:
    return x.is_contiguous(memory_format=torch.channels_last if x.ndim == 4 else torch.channels_last_3d)


@pytest.mark.parametrize("settings", [(), ("generator.subpixel=1", "generator.channels=[16,12,8,8]")])
def test_channels_are_innermost_in_what_enters_a_convolution_and_in_its_gradient(settings):
    # Of one clip at a time torch computes convolutions otherwise on a CPU.
    config = tiny_config("train.batch_size=8", "encoder.share=0.5", *settings)
    state = tiny_state(config)
    entered, gradients = [], []

    def look(name, module):
        def forward(_, inputs, output):
            (x,) = inputs
            if module.in_channels > 3 and x.shape[-1] > 4:
                entered.append((name, innermost(x)))
            if output.requires_grad and "to_rgb" not in name and output.shape[-1] > 4:
                output.register_hook(lambda gradient: gradients.append((name, innermost(gradient))))

        module.register_forward_hook(forward)

    for network, part in state.networks.named().items():
        for name, module in part.named_modules():
            if isinstance(module, nn.Conv2d | nn.Conv3d):
                look(f"{network}.{name}", module)
    run_step(state, config, 0)
    assert len(entered) > 30 and len(gradients) > 30
    assert [name for name, right in entered if not right] == []
    assert [name for name, right in gradients if not right] == []
