import pytest
import torch

from videogan.models.dynamics import STEPS_AT_ONCE, LatentDynamics, log_spaced_decays


def test_half_lives_are_what_they_are_called():
    decay = log_spaced_decays(5, 16.0)
    assert decay[-1] ** 16 == pytest.approx(0.5, rel=1e-5)
    assert decay[0] == pytest.approx(0.5)
    assert (decay.diff() > 0).all()
    assert log_spaced_decays(3, 0).tolist() == [0, 0, 0]


def test_integrators_keep_unit_variance_from_the_first_step():
    dynamics = LatentDynamics(noise_dim=4, motion_dim=8, condition_dim=3, max_half_life=16.0)
    values, _ = dynamics.integrate(torch.randn(20_000, 6, 4), torch.randn(20_000, 4))
    assert torch.allclose(values.std(dim=0), torch.ones(6, 4), atol=0.03)


def test_integrators_forget_at_their_half_life():
    dynamics = LatentDynamics(noise_dim=3, motion_dim=8, condition_dim=3, max_half_life=8.0)
    values, _ = dynamics.integrate(torch.zeros(1, 8, 3), torch.ones(1, 3))
    assert values[0, -1, -1] == pytest.approx(0.5, rel=1e-5)


def test_integrators_are_the_recurrence_summed_up():
    """Beyond what is taken in one sum too, and where a half-life of 0 switches them off."""
    for half_life in (16.0, 0.0):
        dynamics = LatentDynamics(noise_dim=4, motion_dim=8, condition_dim=3, max_half_life=half_life)
        noise, value = torch.randn(2, 2 * STEPS_AT_ONCE + 5, 4), torch.randn(2, 4)
        values, last = dynamics.integrate(noise, value)
        for step in range(noise.shape[1]):
            value = dynamics.decay * value + (1 - dynamics.decay**2).sqrt() * noise[:, step]
            assert torch.allclose(values[:, step], value, atol=1e-5)
        assert torch.equal(last, values[:, -1])


def test_a_split_run_equals_a_whole_one():
    dynamics = LatentDynamics(noise_dim=4, motion_dim=8, condition_dim=3, max_half_life=16.0)
    noise, condition = torch.randn(2, 9, 4), torch.randn(2, 1, 3).expand(-1, 9, -1)
    start = dynamics.initial_state(torch.randn(2, 4))
    whole, end = dynamics(noise, condition, start)
    first, middle = dynamics(noise[:, :5], condition[:, :5], start)
    second, other_end = dynamics(noise[:, 5:], condition[:, 5:], middle)
    assert torch.allclose(torch.cat([first, second], dim=1), whole, atol=1e-6)
    assert torch.allclose(end.motion_code, other_end.motion_code, atol=1e-6)
    assert torch.allclose(end.integrators, other_end.integrators, atol=1e-6)
    assert whole.abs().max() < 1


def test_a_step_from_every_code_walks_the_path():
    """What the dynamics made in one run comes out of single steps from the codes before."""
    dynamics = LatentDynamics(noise_dim=4, motion_dim=8, condition_dim=3, max_half_life=16.0)
    noise, condition = torch.randn(2, 9, 4), torch.randn(2, 3)
    start = dynamics.initial_state(torch.randn(2, 4))
    path, end = dynamics(noise, condition[:, None].expand(-1, 9, -1), start)
    before = torch.cat([start.motion_code[:, None], path[:, :-1]], dim=1)
    driven = torch.cat([start.integrators[:, None], noise], dim=1)
    codes, integrators = dynamics.step_from(before, driven, condition)
    assert torch.allclose(codes, path, atol=1e-6)
    assert torch.allclose(integrators, end.integrators, atol=1e-6)
