import pytest
import torch

from videogan.metrics.references import blur, halve_frame_rate
from videogan.metrics.spectrum import sharpness, spatial_spectrum, temporal_spectrum

CLIPS = torch.rand(5, 6, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_sharpness_is_the_energy_of_second_differences():
    row = torch.tensor([0.0, 1.0, 0.0, 0.0])
    clip = row.expand(1, 2, 3, 4, 4)  # along x: -2 and 1; along y: nothing
    assert sharpness(clip).item() == pytest.approx((4 + 1) / 2 / 2)
    assert torch.allclose(sharpness(CLIPS / 2), sharpness(CLIPS) / 4)


def test_a_spectrum_knows_no_contrast_and_sees_the_slightest_blur():
    assert torch.allclose(spatial_spectrum(CLIPS / 3), spatial_spectrum(CLIPS), atol=1e-4)
    steps = [spatial_spectrum(clips).mean(dim=0)[0] for clips in (CLIPS, blur(CLIPS, 0.5), blur(CLIPS, 1.0))]
    spread = spatial_spectrum(CLIPS).std(dim=0)[0]
    assert steps[0] - steps[1] > 5 * spread and steps[1] > steps[2]


def test_frames_shown_twice_are_seen_in_the_spectrum_of_time():
    smooth = torch.linspace(-1, 1, 12)[:, None, None, None].expand(1, 12, 3, 8, 8) ** 3
    assert (temporal_spectrum(halve_frame_rate(smooth)) > temporal_spectrum(smooth) + 1)[0, 0]


@pytest.mark.parametrize("shape", [(2, 2, 3, 8, 8), (2, 1, 3, 8, 8)])
def test_clips_too_small_for_a_difference_have_finite_spectra(shape):
    clips = torch.zeros(shape)
    assert spatial_spectrum(clips).isfinite().all() and temporal_spectrum(clips).isfinite().all()
