import pytest
import torch
from tiny_generator import tiny_generator
from tiny_run import tiny_config

from videogan.generation.inversion import Refinement, invert, refine, render, schedule
from videogan.generation.sampling import stream, take
from videogan.models.build import build_encoder

WINDOW = 8


def encoder():
    torch.manual_seed(5)
    return build_encoder(tiny_config()).eval().requires_grad_(False)


def encode(generator, network, clip, labels=None):
    return invert(generator, network, clip, Refinement(0), window=WINDOW, labels=labels).latents


def clip_of(generator, num_frames, label=None):
    labels = None if label is None else torch.tensor([label])
    return torch.cat(list(take(stream(generator, [7], labels), num_frames)), dim=1)[0]


def frames_of(generator, latents):
    return torch.cat(list(render(generator, latents)), dim=1)[0]


def psnr(a, b):
    return -10 * torch.log10((a - b).square().mean() / 4)


@pytest.mark.parametrize("num_frames", [1, 3, 8, 21, 32, 150])
def test_a_clip_of_any_length_comes_back_with_all_its_frames(num_frames):
    generator = tiny_generator()
    clip = clip_of(generator, num_frames)
    latents = encode(generator, encoder(), clip)
    assert latents.motion_codes.shape[:2] == (1, -(-num_frames // 4))
    assert frames_of(generator, latents).shape == clip.shape


def test_windows_of_a_long_clip_are_those_that_end_with_it():
    generator, network = tiny_generator(), encoder()
    clip = clip_of(generator, 20)
    latents = encode(generator, network, clip)
    parts = [network(clip[None, start : start + WINDOW]) for start in (0, 4, 12)]
    assert torch.allclose(latents.content, torch.stack([part.content for part in parts]).mean(0), atol=1e-5)
    expected = torch.cat([parts[0].motion_codes[:, :1], parts[1].motion_codes, parts[2].motion_codes], dim=1)
    assert torch.allclose(latents.motion_codes, expected, atol=1e-5)


def test_refinement_finds_a_generated_clip_and_leaves_the_generator_alone():
    generator = tiny_generator()
    weights = {name: value.clone() for name, value in generator.state_dict().items()}
    clip = clip_of(generator, 14)
    before = encode(generator, encoder(), clip)
    seen = []
    after = refine(generator, clip, before, Refinement(80), progress=lambda done, total: seen.append((done, total)))
    gain = psnr(clip, frames_of(generator, after.latents)) - psnr(clip, frames_of(generator, before))
    assert gain > 4, "dB"
    assert seen[-1] == (80, 80)
    assert len(seen) == 80
    assert all(torch.equal(value, weights[name]) for name, value in generator.state_dict().items())
    assert after.latents.motion_codes.abs().max() <= 1
    assert after.latents.content.abs().max() <= 1


def test_refinement_is_the_same_every_time_and_never_makes_it_worse():
    generator = tiny_generator()
    clip = clip_of(generator, 12)
    start = encode(generator, encoder(), clip)
    errors = [refine(generator, clip, start, Refinement(steps)).error for steps in (0, 3, 3, 30)]
    assert errors[0] >= errors[1] == errors[2] >= errors[3]
    wild = refine(generator, clip, start, Refinement(5, learning_rate=50.0))
    assert wild.error <= errors[0] + 1e-5


def test_a_clip_longer_than_a_chunk_has_the_gradients_of_the_whole(monkeypatch):
    generator = tiny_generator()
    clip = clip_of(generator, 46)
    start = encode(generator, encoder(), clip)
    whole = refine(generator, clip, start, Refinement(2)).latents
    monkeypatch.setattr("videogan.generation.inversion.DECODED_STEPS", 3)
    parts = refine(generator, clip, start, Refinement(2)).latents
    assert torch.allclose(whole.path, parts.path, atol=1e-3)
    assert torch.allclose(whole.content, parts.content, atol=1e-3)


def test_the_class_of_lowest_error_is_chosen():
    generator, network = tiny_generator(3), encoder()
    with torch.no_grad():
        generator.classes.weight.mul_(4)
    labels = []
    for label in range(3):
        # Frames that the encoder's own codes make, so that their class is known.
        seen = encode(generator, network, clip_of(generator, 16, label), labels=[label])
        clip = frames_of(generator, seen)
        latents = invert(generator, network, clip, Refinement(2), window=WINDOW).latents
        errors = [
            invert(generator, network, clip, Refinement(0), window=WINDOW, labels=[other]).error for other in range(3)
        ]
        assert latents.label == min(range(3), key=errors.__getitem__)
        labels.append(latents.label)
    assert len(set(labels)) > 1


def test_weights_say_which_frames_matter():
    generator = tiny_generator()
    clip = torch.cat([clip_of(generator, 16), -clip_of(generator, 16)])
    start = encode(generator, encoder(), clip)
    even = frames_of(generator, refine(generator, clip, start, Refinement(30)).latents)
    weights = torch.cat([torch.full((16,), 1e-3), torch.ones(16)])
    late = frames_of(generator, refine(generator, clip, start, Refinement(30, weights)).latents)
    assert psnr(clip[16:], late[16:]) > psnr(clip[16:], even[16:])
    assert psnr(clip[:16], late[:16]) < psnr(clip[:16], even[:16])


def test_the_learning_rate_rises_and_falls_to_nothing():
    factors = [schedule(step, 100) for step in range(100)]
    assert factors[0] < 0.3
    assert max(factors) == 1
    assert factors[-1] < 0.01
    assert schedule(0, 1) == 1
