import torch
from tiny_generator import tiny_generator
from tiny_run import tiny_config

from videogan.generation.translation import translate, windows
from videogan.models.build import build_encoder


def frames_of(clip):
    return lambda: iter(clip)


def translated(generator, encoder, clip, label):
    chunks = translate(generator, encoder, frames_of(clip), label, window=8, num_frames=len(clip))
    return torch.cat(list(chunks), dim=1)


def test_a_clip_of_one_window_is_its_reconstruction_under_the_class():
    generator, encoder = tiny_generator(2), build_encoder(tiny_config()).eval()
    clip = torch.rand(8, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        codes = encoder(clip[None])
        expected = [generator.reconstruct(*codes, torch.tensor([label])).clamp(-1, 1) for label in (0, 1)]
    for label in (0, 1):
        assert torch.allclose(translated(generator, encoder, clip, label), expected[label], atol=1e-5)
    assert not torch.allclose(*expected, atol=1e-3)


def test_any_length_and_what_comes_later_changes_no_motion_before():
    generator, encoder = tiny_generator(2), build_encoder(tiny_config()).eval()
    clip = torch.rand(30, 3, 32, 32) * 2 - 1
    for length in (1, 8, 13, 30):
        assert translated(generator, encoder, clip[:length], 1).shape == (1, length, 3, 32, 32)
    twice = translated(generator, encoder, torch.cat([clip[:16], clip[:16]]), 1)
    assert torch.allclose(twice[:, :16], translated(generator, encoder, clip[:16], 1), atol=1e-5)


def test_frames_are_held_a_window_at_a_time():
    held = []

    def frames():
        for number in range(1000):
            held.append(number)
            yield torch.full((3, 4, 4), number / 1000)

    parts = windows(frames(), 8)
    first = next(parts)
    assert (first.shape, len(held)) == ((1, 8, 3, 4, 4), 8)
    *_, last = parts
    assert len(held) == 1000
    assert torch.equal(last[0, -1], torch.full((3, 4, 4), 0.999))
    (short,) = windows(iter(torch.arange(3.0)[:, None, None, None]), 8)
    assert short.flatten().tolist() == [0, 1, 2, 2, 2, 2, 2, 2]
