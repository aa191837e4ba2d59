import pytest
import torch
from tiny_run import real_batch, tiny_config, tiny_state, train_step

from videogan.models.precision import lowered_weights
from videogan.training import step as training_step
from videogan.training.draws import draw_step


def weights_after(config, steps=2):
    state = tiny_state(config)
    for step in range(steps):
        real, labels = real_batch(config, step)
        draws = draw_step(config, state.networks.generator, labels, step=step, device=torch.device("cpu"))
        losses = train_step(state.networks, state.optimizers, real, labels, draws, config)
    networks = state.networks.named().values()
    return losses, torch.cat([p.flatten() for network in networks for p in network.parameters()])


@pytest.mark.parametrize(
    "settings",
    [
        ("joint_discriminator.weight=0.5", "encoder.generator_weight=0.5"),
        ("projected_discriminator.weight=1", "projected_discriminator.warmup_steps=0"),
        ("penalty.kind=exact", "clip_discriminator.normalisation=spectral"),
        ("generator.place_until=8", "generator.place_lr_multiplier=0.1"),
    ],
)
def test_weights_that_are_cast_once_learn_what_autocast_would(settings, monkeypatch):
    config = tiny_config("train.precision=bfloat16", *settings)
    losses, weights = weights_after(config)
    monkeypatch.setattr(training_step, "lowered_weights", lambda networks, _: lowered_weights(networks, torch.float32))
    by_autocast, expected = weights_after(config)
    assert all(torch.equal(value, by_autocast[name]) for name, value in losses.items())
    assert torch.equal(weights, expected)


def test_layers_have_their_own_weights_back_even_after_an_error():
    networks = tiny_state(tiny_config("generator.place_until=8")).networks
    before = dict(networks.generator.named_parameters())
    with pytest.raises(KeyError), lowered_weights([networks.generator], torch.bfloat16):
        assert networks.generator.base.weight.dtype == torch.bfloat16
        assert networks.generator.stages[0].place.dtype == torch.bfloat16
        assert networks.generator.dynamics.noise.weight.dtype == torch.float32
        raise KeyError
    after = dict(networks.generator.named_parameters())
    assert after.keys() == before.keys() and all(after[name] is before[name] for name in before)


def test_gradients_reach_the_weights_laid_out_as_they_are():
    layer = torch.nn.Conv3d(4, 4, 3).to(memory_format=torch.channels_last_3d)
    with lowered_weights([layer], torch.bfloat16):
        out = layer(torch.rand(2, 4, 3, 3, 3, dtype=torch.bfloat16))
    out.float().sum().backward()
    assert layer.weight.grad.dtype == torch.float32
    assert layer.weight.grad.stride() == layer.weight.stride()
    assert torch.allclose(layer.bias.grad, torch.full((4,), 2.0))
