"""A batch in shares, one after the other, learns what it learns at once."""

import itertools

import pytest
import torch
from tiny_run import real_batch, tiny_config, tiny_state

from videogan.training.draws import draw_step
from videogan.training.micro_batch import split
from videogan.training.step import step_input, update


def learnt(config, micro_batches):
    """Gradients and losses of the first step."""
    state = tiny_state(config)
    real, labels = real_batch(config, 0)
    draws = draw_step(config, state.networks.generator, labels, step=0, device=torch.device("cpu"))
    x = step_input(state.networks.generator, real, labels, draws)
    losses = update(state.networks, state.optimizers, x, draws.updates, config, micro_batches)
    parameters = itertools.chain(*(network.parameters() for network in state.networks.named().values()))
    return torch.cat([p.grad.flatten() for p in parameters if p.grad is not None]), losses


@pytest.mark.parametrize(
    "settings",
    [
        ["joint_discriminator.weight=0.5"],
        ["penalty.kind=wgan-gp", "adversarial.kind=wasserstein", "encoder.generator_weight=0"],
    ],
)
def test_shares_of_a_batch_learn_what_the_batch_does(settings):
    config = tiny_config("train.batch_size=4", "encoder.share=0.5", "penalty.share=0.5", *settings)
    config = config.model_copy(update={"optimizer": config.optimizer.model_copy(update={"clip_norm": 1e9})})
    whole, losses = learnt(config, 1)
    gradients, means = learnt(config, 2)
    assert (gradients - whole).norm() < 1e-3 * whole.norm()
    assert means.keys() == losses.keys()
    for name, value in losses.items():
        assert value == pytest.approx(float(means[name]), rel=1e-2, abs=1e-3), name


def test_every_clip_and_every_row_of_noise_has_its_share():
    config = tiny_config("train.batch_size=6", "penalty.share=0.5")
    state = tiny_state(config)
    real, labels = real_batch(config, 0)
    draws = draw_step(config, state.networks.generator, labels, step=0, device=torch.device("cpu"))
    x = step_input(state.networks.generator, real, labels, draws)
    parts = split(x, 4)
    assert sorted(len(part.real) for part in parts) == [1, 1, 2, 2]
    assert torch.equal(torch.cat([part.labels for part in parts]).sort().values, labels.sort().values)
    assert all(part.noise.shape[1] >= 1 for part in parts)
    assert torch.equal(parts[1].real, real[1::4])
    assert torch.equal(parts[1].start.integrators, x.start.integrators[1::4])
    assert split(x, 1) == [x]
