import pytest
import torch
from tiny_generator import changes, tiny_generator

from videogan.generation.class_path import ClassPath
from videogan.generation.looping import periodic_noise, stream_loop


@pytest.mark.parametrize("num_frames", [4, 20, 64, 200])
@pytest.mark.parametrize("speed", [1.0, 0.6])
def test_the_seam_is_no_larger_than_the_median_inside(num_frames, speed):
    generator = tiny_generator()
    frames = torch.cat(list(stream_loop(generator, range(6), num_frames=num_frames, speed=speed)), dim=1)
    assert frames.shape[1] == num_frames
    seam = (frames[:, 0] - frames[:, -1]).abs().mean(dim=(1, 2, 3))
    assert (seam <= changes(frames).median(dim=1).values + 1e-6).all()
    if num_frames >= 20:
        assert (changes(frames).mean(dim=1) > 1e-5).all(), "it moves"


def test_frames_are_rounded_up_to_whole_latent_steps():
    assert sum(chunk.shape[1] for chunk in stream_loop(tiny_generator(), [0], num_frames=21)) == 24


def test_classes_come_round_to_the_first():
    generator = tiny_generator(2)
    path = ClassPath((0, 1), hold=12, cyclic=True)
    frames = torch.cat(list(stream_loop(generator, [0, 1], num_frames=96, classes=path)), dim=1)
    seam = (frames[:, 0] - frames[:, -1]).abs().mean(dim=(1, 2, 3))
    assert (seam <= changes(frames).median(dim=1).values).all()


def test_periodic_noise_returns_to_its_state_with_unit_variance():
    decay = torch.tensor([0.0, 0.5, 0.98])
    white = torch.randn(20000, 16, 3, generator=torch.Generator().manual_seed(0))
    noise, start = periodic_noise(white, decay)
    value, gain = start, (1 - decay**2).sqrt()
    for step in noise.unbind(1):
        value = decay * value + gain * step
    assert torch.allclose(value, start, atol=1e-4)
    assert torch.allclose(start.std(dim=0), torch.ones(3), atol=0.03)
