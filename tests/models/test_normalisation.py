from typing import get_args

import pytest
import torch
from tiny_run import tiny_config
from torch import nn

from videogan.config import Normalisation
from videogan.generation.sampling import stream, take
from videogan.models.build import build_discriminators, build_generator
from videogan.models.discriminator import DiscriminatorInput
from videogan.models.latents import Latents
from videogan.models.normalisation import PositionRMS, feature_norm, normalise_weights

KINDS = get_args(Normalisation)


def test_rms_gives_every_position_unit_mean_square_and_sees_no_other():
    x = torch.randn(2, 16, 4, 5, 5) * 7
    y = PositionRMS()(x)
    assert torch.allclose(y.square().mean(1), torch.ones(2, 4, 5, 5), atol=1e-4)
    assert torch.allclose(PositionRMS()(x[:, :, 1:2]), y[:, :, 1:2])


@pytest.mark.parametrize("axes", [4, 5])
def test_batch_gives_every_channel_zero_mean_and_unit_variance(axes):
    x = 3 + 5 * torch.randn(8, 6, *[4] * (axes - 2))
    y = feature_norm("batch", 6, axes=axes)(x).transpose(0, 1).flatten(1)
    assert torch.allclose(y.mean(1), torch.zeros(6), atol=1e-4)
    assert torch.allclose(y.var(1), torch.ones(6), atol=0.02)


def test_spectral_divides_by_the_largest_singular_value_also_where_weights_begin_at_zero():
    network = nn.Sequential(nn.Linear(12, 7), nn.Conv3d(3, 5, 3), nn.Conv2d(2, 4, 1))
    nn.init.zeros_(network[1].weight)
    normalise_weights(network, "spectral")
    for _ in range(30):  # power iterations, one a pass in training
        weights = [layer.weight for layer in network]
    for weight in weights:
        assert torch.linalg.matrix_norm(weight.flatten(1), 2).item() == pytest.approx(1, rel=0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_a_generator_of_any_normalisation_streams_what_it_makes_in_one_call(kind):
    generator = build_generator(tiny_config(f"generator.normalisation={kind}"), 0)
    with torch.no_grad():  # statistics and power iterations that are not their start values
        noise = torch.randn(4, 1 + 2 + generator.context_steps + 3, generator.noise_dim)
        generator(Latents(torch.randn(4, generator.content_dim), noise), burn_in=2)
    generator.eval().requires_grad_(False)
    one, many = (torch.cat(list(take(stream(generator, [3, 4], chunk_steps=n), 24)), 1) for n in (6, 1))
    assert torch.allclose(one, many, atol=1e-5)
    assert one.std() > 0


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"batch"}))
def test_without_batch_statistics_a_discriminator_judges_every_sample_alone(kind):
    both = [f"{name}.normalisation={kind}" for name in ("frame_discriminator", "clip_discriminator")]
    x = DiscriminatorInput(torch.randn(3, 8, 3, 32, 32), None, torch.arange(8).expand(3, -1))
    for network in build_discriminators(tiny_config(*both), 0).values():
        network.eval()
        assert torch.allclose(network(x).logits[:1], network(x.first(1)).logits, atol=1e-5)
