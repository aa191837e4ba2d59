from typing import get_args

import pytest
import torch
from tiny_run import real_batch, run_step, tiny_config, tiny_state

from videogan.config import AdversarialConfig, Config
from videogan.training.draws import draw_step
from videogan.training.micro_batch import discriminator_inputs
from videogan.training.objective import discriminator_losses, generator_losses
from videogan.training.step import frozen


def kinds(group: str) -> list[str]:
    """Every kind of a config group, be it a literal or a union."""
    if group == "adversarial":
        return list(get_args(AdversarialConfig.model_fields["kind"].annotation))
    union = Config.model_fields[group].annotation
    return [member.model_fields["kind"].default for member in get_args(union)]


@pytest.mark.parametrize("penalty", kinds("penalty"))
@pytest.mark.parametrize("adversarial", kinds("adversarial"))
@pytest.mark.parametrize("num_classes", [0, 2])
def test_every_kind_trains_all_networks_and_stays_finite(adversarial, penalty, num_classes):
    config = tiny_config(f"adversarial.kind={adversarial}", f"penalty.kind={penalty}", "encoder.interval=1")
    state = tiny_state(config, num_classes)
    before = {name: [p.clone() for p in network.parameters()] for name, network in state.networks.named().items()}
    for step in range(3):
        losses = run_step(state, config, step, num_classes)
        assert all(value.isfinite() for value in losses.values())
    for name, network in state.networks.named().items():
        changed = [bool((new != old).any()) for new, old in zip(network.parameters(), before[name], strict=True)]
        assert all(changed) == (name != "ema_generator"), name
    assert ("frame_r1" in losses) == (penalty in ("finite-difference", "exact"))
    assert ("frame_penalty" in losses) == (penalty == "wgan-gp")
    assert ("clip_wasserstein_distance" in losses) == (adversarial == "wasserstein" and penalty == "wgan-gp")
    assert ("clip_auxiliary" in losses) == (num_classes > 0)


@pytest.mark.parametrize("kind", ["finite-difference", "exact"])
def test_penalty_terms_are_proportional_to_their_weight(kind):
    terms = []
    for weight in (1.0, 3.0):
        config = tiny_config(f"penalty.kind={kind}", f"penalty.r1_weight={weight}", f"penalty.r2_weight={weight}")
        losses = run_step(tiny_state(config), config, 0)
        terms.append({name: value.item() for name, value in losses.items() if name.endswith(("_r1", "_r2"))})
    assert len(terms[0]) == 4
    for name, value in terms[0].items():
        assert terms[1][name] == pytest.approx(3 * value, rel=1e-4)


def test_the_generators_update_leaves_no_gradient_in_the_discriminators():
    config = tiny_config()
    state = tiny_state(config)
    networks = state.networks
    real, labels = real_batch(config, 0)
    draws = draw_step(config, networks.generator, labels, step=0, device=torch.device("cpu"))
    fake = networks.generator(draws.latents, burn_in=draws.burn_in)
    inputs = discriminator_inputs(networks, real, fake, labels, draws.frame_order)
    discriminators = networks.discriminators
    _, _, real_logits = discriminator_losses(discriminators, *inputs, config.adversarial, None, draws.noise)
    assert not any(logits.requires_grad for logits in real_logits.values())
    with frozen(discriminators):
        fake_input = inputs[1]._replace(clips=fake.frames)
        weights = dict.fromkeys(discriminators, 1.0)
        losses = generator_losses(discriminators, fake_input, real_logits, config.adversarial, weights)
    torch.stack(list(losses.values())).sum().backward()
    assert all(p.grad is None for n in discriminators.values() for p in n.parameters())
    assert all(p.requires_grad for n in discriminators.values() for p in n.parameters())
    assert sum(p.grad is not None for p in networks.generator.parameters()) > 0


def test_training_uses_burn_in_and_context():
    config = tiny_config()
    generator = tiny_state(config, num_classes=0).networks.generator
    draws = [draw_step(config, generator, None, step=step, device=torch.device("cpu")) for step in range(40)]
    assert {d.burn_in for d in draws} == {1, 2, 3, 4}
    for d in draws:
        assert d.latents.motion_noise.shape[1] == 1 + d.burn_in + generator.context_steps + config.data.num_frames // 4
    frames = generator(draws[0].latents, burn_in=draws[0].burn_in).frames
    assert frames.shape[1] == config.data.num_frames


def test_draws_depend_on_the_position_only():
    config = tiny_config()
    generator = tiny_state(config, num_classes=0).networks.generator
    device = torch.device("cpu")
    one, same = (draw_step(config, generator, None, step=3, device=device) for _ in range(2))
    others = [
        draw_step(config, generator, None, step=4, device=device),
        draw_step(config, generator, None, step=3, device=device, rank=1),
        draw_step(tiny_config("train.seed=1"), generator, None, step=3, device=device),
    ]
    assert torch.equal(one.latents.motion_noise, same.latents.motion_noise)
    assert torch.equal(one.noise, same.noise)
    for other in others:
        assert not torch.equal(one.latents.content_noise, other.latents.content_noise)
        assert not torch.equal(one.noise, other.noise)
    assert all(sorted(row.tolist()) == list(range(config.data.num_frames)) for row in one.frame_order)
