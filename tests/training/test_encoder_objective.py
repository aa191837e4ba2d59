import pytest
import torch
from tiny_run import real_batch, run_step, tiny_config, tiny_state, train_step

from videogan.errors import UsageError
from videogan.models.discriminator import DiscriminatorInput
from videogan.models.dynamics import DynamicsState
from videogan.training.draws import draw_step
from videogan.training.encoder_objective import other_classes
from videogan.training.micro_batch import discriminator_inputs, encoder_step_losses
from videogan.training.step import frozen

WEIGHTS = ("reconstruction", "feature", "clip_cycle", "class_cycle", "recurrent_cycle", "translation", "latent_cycle")
TERMS = {
    "reconstruction": {"reconstruction"},
    "feature": {"feature_reconstruction"},
    "clip_cycle": {"clip_cycle"},
    "class_cycle": {"class_cycle"},
    "recurrent_cycle": {"recurrent_cycle"},
    "translation": {"translation"},
    "latent_cycle": {"content_cycle", "motion_cycle"},
}


def losses_of(*settings: str) -> tuple[dict[str, torch.Tensor], object]:
    config = tiny_config(*settings)
    state = tiny_state(config)
    real, labels = real_batch(config, 0)
    draws = draw_step(config, state.networks.generator, labels, step=0, device=torch.device("cpu"))
    fake = state.networks.generator(draws.latents, burn_in=draws.burn_in)
    real_input, fake_input = discriminator_inputs(state.networks, real, fake, labels, draws.frame_order)
    with frozen(state.networks.discriminators):
        fake_input = fake_input._replace(clips=fake.frames)
        weights = dict.fromkeys(state.networks.discriminators, 1.0)
        return encoder_step_losses(state.networks, real_input, fake_input, config, weights), state.networks


@pytest.mark.parametrize("share", [0, 1])
@pytest.mark.parametrize("term", WEIGHTS)
def test_every_term_is_there_by_its_weight_alone_and_reaches_whom_it_should(term, share):
    weights = [f"encoder.{name}_weight={2 if name == term else 0}" for name in WEIGHTS]
    losses, networks = losses_of(*weights, f"encoder.generator_weight={share}")
    assert set(losses) == TERMS[term]
    torch.stack(list(losses.values())).sum().backward()
    assert any(p.grad is not None and p.grad.any() for p in networks.encoder.parameters())
    assert any(p.grad is not None and p.grad.any() for p in networks.generator.parameters()) == (share == 1)
    for network in (networks.ema_generator, *networks.discriminators.values()):
        assert all(p.grad is None for p in network.parameters())
    half, _ = losses_of(*[weight.replace("=2", "=1") for weight in weights])
    for name, value in losses.items():
        assert value.item() == pytest.approx(2 * half[name].item(), rel=1e-4)


def test_with_all_weights_at_zero_nothing_is_trained():
    config = tiny_config("encoder.interval=1", *[f"encoder.{name}_weight=0" for name in WEIGHTS])
    state = tiny_state(config)
    before = [p.clone() for p in state.networks.encoder.parameters()]
    run_step(state, config, 0)
    assert all(torch.equal(old, new) for old, new in zip(before, state.networks.encoder.parameters(), strict=True))


def test_the_generators_share_moves_the_generator_by_so_much():
    """Alone in the generator's update, the terms move its gradient in proportion to their share."""
    norms = []
    for share in (1.0, 0.25):
        config = tiny_config("encoder.interval=1", f"encoder.generator_weight={share}", "optimizer.clip_norm=1e9")
        state = tiny_state(config)
        gradients = {}
        state.optimizers.generator.step = lambda gradients=gradients, state=state: gradients.update(
            {n: p.grad.clone() for n, p in state.networks.generator.named_parameters() if p.grad is not None}
        )
        real, labels = real_batch(config, 0)
        draws = draw_step(config, state.networks.generator, labels, step=0, device=torch.device("cpu"))
        train_step(state.networks, state.optimizers, real, labels, draws, config)
        norms.append(gradients)
    none = tiny_config("encoder.interval=1", "encoder.generator_weight=0", "optimizer.clip_norm=1e9")
    state = tiny_state(none)
    alone = {}
    state.optimizers.generator.step = lambda: alone.update(
        {n: p.grad.clone() for n, p in state.networks.generator.named_parameters() if p.grad is not None}
    )
    run_step(state, none, 0)
    name = "to_rgb.conv.weight"
    full, quarter = norms[0][name] - alone[name], norms[1][name] - alone[name]
    assert full.norm() > 0
    assert torch.allclose(quarter, full / 4, atol=1e-3 * float(full.abs().max()))


def test_the_joint_game_moves_encoder_and_generator():
    config = tiny_config("joint_discriminator.weight=0.5", "encoder.interval=1")
    state = tiny_state(config)
    losses = run_step(state, config, 0)
    assert {"joint_loss", "joint_r1", "generator_joint", "encoder_joint"} <= set(losses)


@pytest.mark.parametrize("num_classes", [2, 5, 13])
def test_every_clip_is_shown_as_another_class_and_in_time_as_every_one(num_classes):
    source, pairs = torch.Generator().manual_seed(0), set()
    for _ in range(400):
        labels = torch.randint(num_classes, (4,), generator=source)
        pairs |= set(zip(labels.tolist(), other_classes(labels, num_classes).tolist(), strict=True))
    assert pairs == {(a, b) for a in range(num_classes) for b in range(num_classes) if a != b}


@pytest.mark.parametrize("num_classes", [0, 1])
def test_without_another_class_the_class_cycles_are_refused(num_classes):
    for name in ("class_cycle", "recurrent_cycle", "translation"):
        with pytest.raises(UsageError, match="two classes"):
            tiny_state(tiny_config(f"encoder.{name}_weight=1"), num_classes)


def test_translations_are_judged_under_the_class_they_are_shown_as():
    """The term is the generator's loss of G(E(x), b) under b, against the real clips under their own classes."""
    alone = "adversarial.generator_auxiliary_weight=0"
    config = tiny_config("encoder.translation_weight=1", "encoder.share=1", alone)
    networks = tiny_state(config).networks
    real, labels = real_batch(config, 0)
    draws = draw_step(config, networks.generator, labels, step=0, device=torch.device("cpu"))
    others = other_classes(labels, 2)
    with torch.no_grad():
        content, motion_codes = networks.encoder(real)
        shown = networks.generator.reconstruct(content, motion_codes, others)
        expected = 0.0
        for discriminator in networks.discriminators.values():
            of_real, of_shown = (
                discriminator(DiscriminatorInput(clips, classes, draws.frame_order)).logits
                for clips, classes in ((real, labels), (shown, others))
            )
            expected += torch.nn.functional.softplus(of_real - of_shown).mean().item()
    fake = networks.generator(draws.latents, burn_in=draws.burn_in)
    inputs = discriminator_inputs(networks, real, fake, labels, draws.frame_order)
    losses = encoder_step_losses(networks, *inputs, config, dict.fromkeys(networks.discriminators, 1.0))
    assert losses["translation"].item() == pytest.approx(expected, rel=1e-5)


def test_codes_that_the_dynamics_walk_are_foretold_but_for_the_noise():
    generator = tiny_state(tiny_config()).networks.generator
    content, labels = torch.rand(2, 8) * 2 - 1, torch.tensor([0, 1])
    condition = generator.condition(content, labels)[:, None].expand(-1, 5, -1)
    start = DynamicsState(torch.zeros(2, 16), torch.zeros(2, 4))
    codes, _ = generator.dynamics(torch.zeros(2, 5, 4), condition, start)
    assert torch.allclose(generator.foretell(content, codes, labels), codes, atol=1e-6)
    assert not torch.allclose(generator.foretell(content, codes, labels.flip(0)), codes, atol=1e-3)
