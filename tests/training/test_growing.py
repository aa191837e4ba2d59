"""Growing within a run: low resolution first, and exactly the same when it is resumed on the way."""

import torch
from tiny_run import tiny_config, tiny_state

from videogan.data.loader import ClipBatch
from videogan.training.step import advance

GROWING = (
    "data.size=64",
    "train.grow_at=[2]",
    "train.batch_size=2",
    "data.num_frames=4",
    "generator.channels=[12,8,8,8,8]",
    "frame_discriminator.channels=[8,8,8,8,8]",
    "clip_discriminator.channels=[8,8,8,8]",
    "encoder.channels=[8,8,8,8]",
    "joint_discriminator.weight=0.5",
    "projected_discriminator.weight=0.5",
    "projected_discriminator.size=64",
)


def batch(step):
    source = torch.Generator().manual_seed(step)
    frames = torch.randint(0, 256, (2, 4, 64, 64, 3), dtype=torch.uint8, generator=source)
    return ClipBatch(frames, torch.tensor([0, 1]))


def run(state, steps):
    while state.step < steps:
        advance(state, batch(state.step))


def test_growth_comes_at_its_step_and_a_resumed_run_equals_an_uninterrupted_one():
    config = tiny_config(*GROWING)
    whole, before, after = tiny_state(config), tiny_state(config), tiny_state(config)
    assert [config.size_at(step) for step in range(4)] == [32, 32, 64, 64]
    run(before, 2)
    assert not before.networks.generator.to_rgb.conv.weight.any(), "nothing larger than 32 pixels is learnt by then"
    after.load_state_dict(before.state_dict())
    run(after, 4)
    run(whole, 4)
    assert whole.networks.generator.to_rgb.conv.weight.any()
    for name, network in whole.networks.named().items():
        other = after.networks.named()[name].state_dict()
        assert all(torch.equal(value, other[key]) for key, value in network.state_dict().items()), name
