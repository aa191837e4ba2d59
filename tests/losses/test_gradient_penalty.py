import pytest
import torch

from videogan.losses.gradient_penalty import (
    between,
    exact_penalty,
    finite_difference,
    perturb,
    relative_scale,
    wasserstein_penalty,
)
from videogan.models.build import build_discriminators
from videogan.models.discriminator import DiscriminatorInput
from videogan.presets import preset


def test_exact_penalty_of_a_linear_critic_is_the_squared_length_of_its_weights():
    weight = torch.randn(48, requires_grad=True)
    x = torch.randn(5, 48, requires_grad=True)
    penalty = exact_penalty(x @ weight, x)
    assert torch.allclose(penalty, weight.square().sum(), rtol=1e-5)
    (gradient,) = torch.autograd.grad(penalty, weight)
    assert torch.allclose(gradient, 2 * weight, rtol=1e-5)


def test_exact_penalty_of_a_quadratic_critic():
    x = torch.randn(5, 48, requires_grad=True)
    assert torch.allclose(exact_penalty(x.square().sum(1) / 2, x), x.square().sum(1).mean(), rtol=1e-5)


def test_exact_penalty_adds_up_over_inputs():
    x, y = torch.randn(4, 6, requires_grad=True), torch.randn(4, 3, requires_grad=True)
    assert exact_penalty(2 * x.sum(1) + 3 * y.sum(1), x, y).item() == pytest.approx(4 * 6 + 9 * 3)


def test_finite_differences_of_a_linear_critic_meet_the_closed_form_in_the_mean():
    weight, sigma = torch.randn(48), 0.05
    x = torch.randn(40_000, 48)
    penalty = finite_difference(x @ weight, perturb(x, sigma, torch.randn_like(x)) @ weight)
    assert penalty.item() / sigma**2 == pytest.approx(weight.square().sum().item(), rel=0.03)


def test_finite_differences_meet_the_exact_penalty_of_a_real_discriminator():
    discriminator = build_discriminators(preset("cpu", ["clip_discriminator.channels=[6,8,8]"]), 0)["clip"]
    clip, sigma, repeats = torch.randn(1, 8, 3, 32, 32), 0.01, 512

    def logits_of(clips: torch.Tensor) -> torch.Tensor:
        frame_order = torch.zeros(len(clips), 1, dtype=torch.long)
        return discriminator(DiscriminatorInput(clips, None, frame_order)).logits

    inputs = clip.clone().requires_grad_()
    exact = exact_penalty(logits_of(inputs), inputs)
    with torch.no_grad():
        logits = logits_of(clip).expand(repeats, 1)
        noise = torch.randn(8, 64, *clip.shape[1:])
        shifted = torch.cat([logits_of(perturb(clip, sigma, part)) for part in noise])
    # The mean of 512 squared normals has a relative standard deviation of sqrt(2 / 512) = 6 %.
    assert finite_difference(logits, shifted).item() / sigma**2 == pytest.approx(exact.item(), rel=0.25)


def test_perturb_adds_noise_of_the_given_size():
    x, noise = torch.randn(100), torch.randn(100)
    assert torch.allclose(perturb(x, 0.05, noise), x + 0.05 * noise)


@pytest.mark.parametrize("length", [0.5, 1.0, 3.0])
def test_wasserstein_penalty_of_a_linear_critic_is_how_far_its_length_is_from_one(length):
    weight = torch.nn.functional.normalize(torch.randn(48), dim=0) * length
    x = torch.randn(5, 48, requires_grad=True)
    assert wasserstein_penalty(x @ weight, x).item() == pytest.approx((length - 1) ** 2, abs=1e-5)


def test_wasserstein_penalty_can_be_trained_where_the_gradient_vanishes():
    weight = torch.zeros(4, requires_grad=True)
    x = torch.randn(3, 4, requires_grad=True)
    (gradient,) = torch.autograd.grad(wasserstein_penalty(x @ weight, x), weight)
    assert gradient.isfinite().all()


def test_between_lies_on_the_line_and_takes_the_same_share_everywhere_in_a_sample():
    real, fake = torch.ones(64, 2, 3), torch.zeros(64, 2, 3)
    points = between(real, fake, torch.rand(64))
    assert (points.flatten(1) == points[:, :1, :1].flatten(1)).all()
    assert 0 <= points.min() < 0.1 and 0.9 < points.max() <= 1


class TestRelativeScale:
    """A weighed penalty is the same for a set in other units, if the discriminator sees through the units."""

    def slope(self, discriminator, clips):
        inputs = clips.clone().requires_grad_()
        return relative_scale(clips) * exact_penalty(discriminator(inputs), inputs)

    def test_contrast(self):
        clips = torch.randn(8, 4, 3, 32, 32)
        expected = self.slope(lambda x: x.square().flatten(1).sum(1), clips)
        faint = self.slope(lambda x: (4 * x).square().flatten(1).sum(1), clips / 4)
        assert faint.item() == pytest.approx(expected.item(), rel=1e-4)

    def test_resolution(self):
        clips = torch.randn(8, 4, 3, 32, 32)
        large = clips.repeat_interleave(2, dim=-1).repeat_interleave(2, dim=-2)
        shrink = torch.nn.AvgPool3d((1, 2, 2))
        expected = self.slope(lambda x: x.square().flatten(1).sum(1), clips)
        got = self.slope(lambda x: shrink(x.flatten(1, 2)).square().flatten(1).sum(1), large)
        assert got.item() == pytest.approx(expected.item(), rel=1e-4)

    @pytest.mark.parametrize("count", [2, 8])
    def test_it_is_the_variance_among_clips(self, count):
        clips = 0.3 + torch.randn(count, 2, 3, 32, 32) * torch.rand(2, 3, 32, 32)
        assert relative_scale(clips).item() == pytest.approx(clips.var(dim=0).mean().item() / 0.125, rel=1e-5)

    def test_it_is_one_for_the_set_of_the_default(self):
        clips = torch.randn(400, 1, 3, 32, 32) * 0.125**0.5
        assert relative_scale(clips).item() == pytest.approx(1, rel=0.02)

    def test_clips_that_are_all_alike_are_penalised_all_the_same(self):
        assert relative_scale(torch.ones(4, 2, 3, 32, 32)).item() == pytest.approx(0.01)
