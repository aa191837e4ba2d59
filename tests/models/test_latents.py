import pytest
import torch

from videogan.models.latents import ClipLatents, LatentStream, content_code, content_noise


@pytest.mark.parametrize("prior", ["uniform", "normal"])
def test_content_noise_is_the_inverse_of_the_content_code(prior):
    noise = torch.randn(1000, 4).clamp(-3.5, 3.5)
    assert torch.allclose(content_noise(content_code(noise, prior), prior), noise, atol=1e-2)


def test_codes_at_the_ends_of_the_prior_come_back_finite():
    noise = content_noise(torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0]), "uniform")
    assert torch.isfinite(noise).all()
    assert noise[2] == 0
    assert 3 < noise[3] < 5


def test_latents_of_a_clip_refuse_counts_that_do_not_belong_together():
    parts = torch.zeros(1, 8), torch.zeros(1, 3, 16), torch.zeros(1, 4, 16)
    assert ClipLatents(*parts, 9).path.shape == (1, 7, 16)
    for count in (8, 13):
        with pytest.raises(ValueError, match="3 latent steps"):
            ClipLatents(*parts, count)
    with pytest.raises(ValueError, match="need content"):
        ClipLatents(parts[0], parts[0], parts[2], 9)


@pytest.mark.parametrize("noise_dim", [3, 8, 16, 24, 32, 48])
def test_motion_noise_is_the_same_however_many_steps_are_drawn_at_once(noise_dim):
    whole = LatentStream([5], content_dim=4, noise_dim=noise_dim).motion_noise(37)
    parts = LatentStream([4, 5], content_dim=4, noise_dim=noise_dim)
    steps = torch.cat([parts.motion_noise(count) for count in (0, 1, 4, 1, 31)], dim=1)
    assert torch.equal(whole[0], steps[1])
