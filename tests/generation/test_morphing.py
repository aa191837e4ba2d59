import pytest
import torch
from test_prediction import clip_latents, clip_of
from tiny_generator import changes, tiny_generator

from videogan.errors import UsageError
from videogan.generation.morphing import AXES, clip_stop, morph, path_progress, seed_stop, swap
from videogan.generation.sampling import stream, take
from videogan.models.latents import content_code


def frames_of(chunks):
    return torch.cat(list(chunks), dim=1)


def of_seed(generator, seed, num_frames, label=None):
    labels = None if label is None else torch.tensor([label])
    return frames_of(take(stream(generator, [seed], labels), num_frames))


def test_one_seed_is_that_seeds_video():
    generator = tiny_generator(2)
    morphed = frames_of(morph(generator, [seed_stop(generator, 4, 1)], num_frames=22))
    assert torch.allclose(morphed, of_seed(generator, 4, 22, 1), atol=1e-5)


@pytest.mark.parametrize("axis", AXES)
def test_it_begins_as_the_first_stop_and_moves_away(axis):
    generator = tiny_generator()
    stops = [seed_stop(generator, seed, None) for seed in (4, 9)]
    morphed = frames_of(morph(generator, stops, num_frames=64, axis=axis))
    expected = of_seed(generator, 4, 64)
    assert morphed.shape == expected.shape
    assert torch.allclose(morphed[:, :4], expected[:, :4], atol=1e-5)
    assert (morphed[:, -4:] - expected[:, -4:]).abs().max() > 1e-3
    assert changes(morphed).max() < 3 * changes(expected).max(), "it never jumps"


def test_both_end_as_the_last_stop():
    generator = tiny_generator()
    stops = [clip_stop(generator, clip_latents(generator, steps=32, seed=seed)) for seed in (4, 9)]
    morphed = frames_of(morph(generator, stops, num_frames=128, axis="both", hold_frames=32))
    last = clip_of(generator, clip_latents(generator, steps=32, seed=9))
    assert torch.allclose(morphed[0, -4:], last[-4:], atol=1e-4)
    first = clip_of(generator, clip_latents(generator, steps=32, seed=4))
    assert torch.allclose(morphed[0, :28], first[:28], atol=1e-4)


def test_motion_moves_without_the_content():
    generator = tiny_generator(2)
    clips = [clip_latents(generator, steps=32, seed=seed, label=label) for seed, label in ((4, 0), (9, 1))]
    stops = [clip_stop(generator, latents) for latents in clips]
    morphed = frames_of(morph(generator, stops, num_frames=128, axis="motion", hold_frames=32))
    a, b = clips
    swapped = type(a)(a.content, b.motion_codes, b.history, b.num_frames, a.label)
    assert torch.allclose(morphed[0, -4:], clip_of(generator, swapped)[-4:], atol=1e-4)


def test_a_swap_grid_shows_every_content_with_every_motion():
    generator = tiny_generator(2)
    clips = [clip_latents(generator, steps=8, seed=seed, label=label) for seed, label in ((1, 0), (2, 1))]
    cells = frames_of(swap(generator, [clip_stop(generator, latents) for latents in clips], num_frames=30))
    assert cells.shape[:2] == (4, 30)
    for cell, (content, motion) in zip(cells, [(0, 0), (0, 1), (1, 0), (1, 1)], strict=True):
        a, b = clips[content], clips[motion]
        expected = clip_of(generator, type(a)(a.content, b.motion_codes, b.history, 32, a.label))[:30]
        assert torch.allclose(cell, expected, atol=1e-4)


def test_a_clip_goes_on_beyond_its_end():
    generator = tiny_generator()
    latents = clip_latents(generator, steps=4)
    frames = frames_of(morph(generator, [clip_stop(generator, latents)], num_frames=80))
    assert torch.allclose(frames[0, :16], clip_of(generator, latents), atol=1e-4)
    assert changes(frames)[0, 15] < 2 * changes(frames).max(dim=1).values
    assert changes(frames)[:, 40:].mean() > 1e-5, "it moves"


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("num_frames", [48, 128])
def test_a_loop_leads_into_its_beginning(axis, num_frames):
    generator = tiny_generator()
    stops = [seed_stop(generator, seed, None) for seed in (4, 9)]
    frames = frames_of(morph(generator, stops, num_frames=num_frames, axis=axis, loop=True))
    assert frames.shape[1] == num_frames
    seam = (frames[:, 0] - frames[:, -1]).abs().mean()
    assert seam <= changes(frames).max()


def test_truncation_acts_on_the_noise():
    generator = tiny_generator()
    stop = seed_stop(generator, 4, None)
    cut = frames_of(morph(generator, [stop], num_frames=8, truncation=0.0))
    other = frames_of(morph(generator, [seed_stop(generator, 5, None)], num_frames=8, truncation=0.0))
    assert content_code(stop.content_noise, "uniform", 0.0).abs().max() == 0
    assert not torch.allclose(cut, of_seed(generator, 4, 8), atol=1e-3)
    assert cut.shape == other.shape


def test_places_visit_every_stop_and_stay_there():
    assert path_progress(5, 0) == [0.0] * 5
    assert path_progress(5, 2) == [0, 0.5, 1, 1.5, 2]
    assert path_progress(1, 1) == [0]
    held = path_progress(21, 2, hold=4)
    assert [held[step] for step in (0, 4, 8, 12, 16, 20)] == [0, 0, 1, 1, 2, 2]
    assert held == sorted(held)
    eased = path_progress(21, 2, ease=True)
    assert eased[:3] < path_progress(21, 2)[:3]
    assert eased == sorted(eased)
    assert (eased[0], eased[10], eased[20]) == (0, 1, 2)
    assert path_progress(13, 2, hold=4, loop=True)[:5] == [0] * 5


def test_holding_cannot_take_all():
    with pytest.raises(UsageError, match=r"at least \d+ by --frames"):
        path_progress(8, 1, hold=4)
