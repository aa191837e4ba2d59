import pytest
import torch

from videogan.losses.gradient_penalty import exact_penalty, finite_difference_penalty, perturb
from videogan.models.build import build_discriminators
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
    penalty = finite_difference_penalty(x @ weight, perturb(x, sigma) @ weight, sigma)
    assert penalty.item() == pytest.approx(weight.square().sum().item(), rel=0.03)


def test_finite_differences_meet_the_exact_penalty_of_a_real_discriminator():
    _, discriminator = build_discriminators(preset("cpu", ["clip_discriminator.channels=[6,8,8]"]), 0)
    clip, sigma, repeats = torch.randn(1, 16, 3, 32, 32), 0.01, 512
    inputs = clip.clone().requires_grad_()
    exact = exact_penalty(discriminator(inputs, None).logits, inputs)
    with torch.no_grad():
        logits = discriminator(clip, None).logits.expand(repeats)
        shifted = torch.cat(
            [discriminator(perturb(clip.expand(64, -1, -1, -1, -1), sigma), None).logits for _ in range(8)]
        )
    # The mean of 512 squared normals has a relative standard deviation of sqrt(2 / 512) = 6 %.
    assert finite_difference_penalty(logits, shifted, sigma).item() == pytest.approx(exact.item(), rel=0.25)


def test_perturb_adds_noise_of_the_given_size_from_the_given_generator():
    x = torch.zeros(100_000)
    noise = perturb(x, 0.05, torch.Generator().manual_seed(1))
    assert noise.std().item() == pytest.approx(0.05, rel=0.02)
    assert torch.equal(noise, perturb(x, 0.05, torch.Generator().manual_seed(1)))
