"""What the discriminators are asked, and the gradient penalties beside it."""

import pytest
import torch
from tiny_run import real_batch, run_step, tiny_config, tiny_state

from videogan.models.discriminator import DiscriminatorInput
from videogan.models.encoder import Codes
from videogan.training.draws import draw_step
from videogan.training.objective import discriminator_losses, judge

JOINT = "joint_discriminator.weight=1"


def clips_with_codes(config, step: int) -> DiscriminatorInput:
    clips, labels = real_batch(config, step)
    frame_order = torch.tensor([[0, 3, 1, 2, 4, 5, 6, 7]]).expand(len(clips), -1)
    steps = config.data.num_frames // 4
    generator = config.generator
    codes = Codes(torch.randn(len(clips), generator.content_dim), torch.randn(len(clips), steps, generator.motion_dim))
    return DiscriminatorInput(clips, labels, frame_order, codes)


def test_one_pass_says_what_passes_apart_say():
    config = tiny_config(JOINT)
    discriminators = tiny_state(config).networks.discriminators
    real, fake = clips_with_codes(config, 0), clips_with_codes(config, 1).first(3)
    together = judge(discriminators, [real, fake])
    assert list(together) == ["frame", "clip", "joint"]
    for name, discriminator in discriminators.items():
        for part, output in ((real, together[name].real), (fake, together[name].fake)):
            alone = discriminator(part)
            assert alone.logits.shape == (len(part.clips), 2 if name == "frame" else 1)
            assert torch.allclose(output.logits, alone.logits, atol=1e-5)
            assert torch.allclose(output.class_logits, alone.class_logits, atol=1e-5)


def test_batch_normalisation_keeps_real_and_generated_clips_apart():
    config = tiny_config("clip_discriminator.normalisation=batch", "penalty.kind=none")
    discriminators = tiny_state(config).networks.discriminators
    assert discriminators["clip"].mixes_samples()
    assert not discriminators["frame"].mixes_samples()
    first, second = clips_with_codes(config, 0), clips_with_codes(config, 1)
    logits = [judge(discriminators, [first, other])["clip"].real.logits for other in (second, first)]
    assert torch.allclose(*logits), "what stands beside a batch must not change it"


def test_the_frame_discriminator_sees_the_front_of_the_frame_order_only():
    config = tiny_config()
    discriminator = tiny_state(config).networks.discriminators["frame"]
    x = clips_with_codes(config, 0)
    clips = x.clips.clone()
    clips[:, [1, 2, 4, 5, 6, 7]] = 0
    assert torch.allclose(discriminator(x._replace(clips=clips)).logits, discriminator(x).logits)


def penalties(config, step: int = 0, contrast: float = 1.0) -> dict[str, float]:
    state = tiny_state(config)
    real, labels = real_batch(config, step)
    draws = draw_step(config, state.networks.generator, labels, step=step, device=torch.device("cpu"))
    inputs = [DiscriminatorInput(sign * real * contrast, labels, draws.frame_order) for sign in (1, -1)]
    penalty = config.penalty if draws.updates.penalise else None
    losses, _, _ = discriminator_losses(
        state.networks.discriminators, *inputs, config.adversarial, penalty, draws.noise, draws.penalty_share
    )
    return {name: value.item() for name, value in losses.items() if name.endswith(("_r1", "_r2", "_penalty"))}


def test_finite_differences_estimate_the_exact_slopes():
    """The mean of n squared normals deviates by sqrt(2 / n) of itself; 40 batches of 64 clips make that 0.028."""
    common = ("penalty.share=1", "train.batch_size=64", "frame_discriminator.num_frames=1", "data.num_frames=4")
    finite = tiny_config("penalty.kind=finite-difference", "penalty.sigma=0.003", *common)
    exact = penalties(tiny_config("penalty.kind=exact", *common))
    state = tiny_state(finite)
    real, labels = real_batch(finite, 0)
    order = torch.rand(64, 4, generator=torch.Generator().manual_seed(0)).argsort(1)
    draws = draw_step(finite, state.networks.generator, labels, step=0, device=torch.device("cpu"))
    inputs = [DiscriminatorInput(sign * real, labels, draws.frame_order) for sign in (1, -1)]
    assert order.shape == draws.frame_order.shape
    source, sums = torch.Generator().manual_seed(1), dict.fromkeys(exact, 0.0)
    with torch.no_grad():
        for _ in range(40):
            noise = torch.randn(draws.noise.shape, generator=source)
            losses, _, _ = discriminator_losses(
                state.networks.discriminators, *inputs, finite.adversarial, finite.penalty, noise
            )
            for name in sums:
                sums[name] += losses[name].item() / 40
    assert set(exact) == {"frame_r1", "frame_r2", "clip_r1", "clip_r2"}
    for name, value in exact.items():
        assert sums[name] == pytest.approx(value, rel=4 * 0.028 + 0.02), name


def test_a_slope_is_that_of_one_logit_however_many_frames_are_judged():
    one, two = (penalties(tiny_config("penalty.kind=exact", f"frame_discriminator.num_frames={n}")) for n in (1, 2))
    assert two["frame_r1"] < 1.5 * one["frame_r1"]


@pytest.mark.parametrize("kind", ["finite-difference", "exact", "wgan-gp"])
def test_a_lazy_penalty_comes_rarely_and_as_much_stronger(kind):
    every = penalties(tiny_config(f"penalty.kind={kind}"), step=4)
    lazy = tiny_config(f"penalty.kind={kind}", "penalty.interval=4")
    for name, value in penalties(lazy, step=4).items():
        assert value == pytest.approx(4 * every[name], rel=1e-4)
    assert penalties(lazy, step=5) == {}
    state = tiny_state(lazy)
    assert not [name for name in run_step(state, lazy, 5) if name.endswith(("_r1", "_penalty"))]


@pytest.mark.parametrize("kind", ["finite-difference", "exact"])
def test_a_penalty_that_falls_is_weaker_by_the_step(kind):
    stays, falls = (penalties(tiny_config(f"penalty.kind={kind}", f"penalty.decay_steps={n}"), 4) for n in (0, 2))
    assert falls == {name: pytest.approx(0.4 * value, rel=1e-4) for name, value in stays.items()}


def test_relative_weights_follow_the_contrast_of_the_clips():
    relative, absolute = tiny_config("penalty.kind=exact"), tiny_config("penalty.kind=exact", "penalty.scale=absolute")
    full, faint = (
        {n: penalties(c, contrast=x)["clip_r1"] for n, c in (("r", relative), ("a", absolute))} for x in (1, 0.5)
    )
    assert faint["r"] / faint["a"] == pytest.approx(full["r"] / full["a"] / 4, rel=1e-3)


def test_no_penalty():
    assert penalties(tiny_config("penalty.kind=none")) == {}
