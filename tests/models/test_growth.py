"""A network that grew begins as the smaller one was, and works at the smaller size for ever."""

import pytest
import torch
from tiny_run import tiny_config, tiny_state

from videogan.models.discriminator import DiscriminatorInput
from videogan.models.dynamics import DynamicsState
from videogan.models.growth import grown
from videogan.models.layers import enlarge, shrink
from videogan.presets import change

JOINT = "joint_discriminator.weight=0.5"


def pair(*sizes):
    """Networks for 32 pixels, and what they are when they have grown to one of the sizes after the other."""
    config = tiny_config("joint_discriminator.weight=0.5")
    small = networks = tiny_state(config).networks
    smaller = []
    for size in sizes:
        smaller.append(config.data.size)
        config = change(change(config, {"data.size": size}), {"start.sizes": smaller})
        larger = tiny_state(config).networks
        for name, network in larger.named().items():
            tensors = grown(networks.named()[name].state_dict(), smaller[-1], size)
            missing, unexpected = network.load_state_dict(tensors, strict=False)
            assert not unexpected
            assert missing
        networks = larger
    return small, networks


def frames(generator, size=None):
    source = torch.Generator().manual_seed(0)
    content, noise = (
        torch.rand(2, 8, generator=source),
        torch.randn(2, generator.context_steps + 2, 4, generator=source),
    )
    state = DynamicsState(torch.zeros(2, 16), torch.zeros(2, 4))
    return generator.generate(content, torch.tensor([0, 1]), noise, state, size).frames


@pytest.mark.parametrize("sizes", [(64,), (128,), (64, 128)])
def test_everything_begins_as_the_smaller_network_was(sizes):
    small, large = pair(*sizes)
    expected = frames(small.generator)
    assert torch.equal(frames(large.generator, 32), expected)
    while expected.shape[-1] < sizes[-1]:
        expected = enlarge(expected)
    assert torch.allclose(frames(large.generator), expected, atol=1e-5)

    clips = torch.rand(2, 8, 3, sizes[-1], sizes[-1]) * 2 - 1
    few = shrink(clips, 32)
    with torch.no_grad():
        codes = small.encoder(few)
        for own, other in zip(large.encoder(clips), codes, strict=True):
            assert torch.allclose(own, other, atol=1e-5)
        order, labels = torch.tensor([[1, 3], [0, 2]]), torch.tensor([0, 1])
        for name, discriminator in large.discriminators.items():
            theirs = small.discriminators[name](DiscriminatorInput(few, labels, order, codes))
            for seen in (clips, few):
                output = discriminator(DiscriminatorInput(seen, labels, order, codes))
                assert torch.allclose(output.logits, theirs.logits, atol=1e-5), name
                assert torch.allclose(output.class_logits, theirs.class_logits, atol=1e-5), name


def test_a_grown_generator_streams_what_it_makes_at_once():
    _, large = pair(64)
    generator = large.generator
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
        codes = torch.rand(1, generator.context_steps + 6, 16) * 2 - 1
        condition = torch.rand(1, codes.shape[1], 12)
        whole, _ = generator.decode(codes, condition)
        first = generator.context_steps + 2
        part, state = generator.decode(codes[:, :first], condition[:, :first])
        parts = [part]
        for step in range(first, codes.shape[1]):
            part, state = generator.decode(codes[:, step : step + 1], condition[:, step : step + 1], state)
            parts.append(part)
    assert torch.allclose(torch.cat(parts, dim=1), whole, atol=1e-5)


def test_what_is_new_learns_from_the_first_step_on():
    _, large = pair(64)
    frames(large.generator).square().mean().backward()
    assert large.generator.to_rgb.conv.weight.grad.any()
    clips = torch.rand(2, 8, 3, 64, 64)
    for name in ("frame", "clip"):
        output = large.discriminators[name](
            DiscriminatorInput(clips, torch.tensor([0, 1]), torch.tensor([[1, 3], [0, 2]]))
        )
        output.logits.sum().backward()
        trunk = large.discriminators[name] if name == "frame" else large.discriminators[name].trunk
        assert trunk.blocks[0].change.weight.grad.any()
