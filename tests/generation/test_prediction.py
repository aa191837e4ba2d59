from itertools import islice

import pytest
import torch
from tiny_generator import changes, tiny_generator

from videogan.generation.inversion import render
from videogan.generation.prediction import (
    continued_codes,
    decode_on,
    fade,
    followed_codes,
    last_state,
    predict,
    slowed,
    tail_weights,
)
from videogan.generation.sampling import constant_conditions, latent_stream, motion_codes, video_conditions
from videogan.models.latents import ClipLatents


def clip_latents(generator, steps=12, seed=7, label=None):
    """Latents of a seed's own video, as a perfect inversion would find them."""
    latents = latent_stream(generator, [seed])
    labels = None if label is None else torch.tensor([label])
    conditions = video_conditions(generator, latents.content_noise, labels, 1.0, None)
    codes = motion_codes(generator, latents, conditions)
    path = torch.stack([next(codes) for _ in range(generator.context_steps + steps)], dim=1)
    history, codes = path.tensor_split([generator.context_steps], dim=1)
    content = torch.erf(latents.content_noise / 2**0.5)
    return ClipLatents(content, codes, history, 4 * steps, label)


def clip_of(generator, latents):
    return torch.cat(list(render(generator, latents)), dim=1)[0]


def futures(generator, clip, latents, seeds, num_frames):
    return torch.cat(list(predict(generator, clip, latents, seeds, num_frames=num_frames)), dim=1)


@pytest.mark.parametrize("num_frames", [1, 7, 40])
def test_as_many_frames_as_asked_for(num_frames):
    generator = tiny_generator()
    latents = clip_latents(generator)
    assert futures(generator, clip_of(generator, latents), latents, [0, 1, 2], num_frames).shape[:2] == (3, num_frames)


def test_the_join_is_seamless_and_seeds_part():
    generator = tiny_generator()
    for seed in range(4):
        latents = clip_latents(generator, seed=seed)
        # What the generator cannot show of a real clip is there at the end of it too.
        clip = (clip_of(generator, latents) + 0.1 * torch.randn(3, 32, 32)).clamp(-1, 1)
        frames = futures(generator, clip, latents, [0, 1], 64)
        inside = changes(clip[None])[0]
        for future in frames:
            assert (future[0] - clip[-1]).abs().mean() <= inside.median() + 1e-5
        late = (frames[0, -8:] - frames[1, -8:]).abs().mean()
        assert late > 4 * (frames[0, 0] - frames[1, 0]).abs().mean()


def test_the_clips_own_future_is_near_where_the_noise_is_known():
    """The solved state, given the noise that was drawn, makes the codes that followed."""
    generator = tiny_generator()
    longer = clip_latents(generator, steps=13)
    latents = ClipLatents(longer.content, longer.motion_codes[:, :12], longer.history, 48)
    state = last_state(generator, latents)
    assert torch.allclose(state.motion_code, latents.motion_codes[:, -1], atol=0.06)
    step = (longer.motion_codes[:, 12] - longer.motion_codes[:, 11]).norm()
    drawn = continued_codes(
        generator,
        latents,
        range(64),
        lambda positions: latents.content[:, None].expand(64, len(positions), -1),
    )
    spread = next(drawn)
    assert (spread.mean(0) - longer.motion_codes[0, 12]).norm() < 1.5 * step


def test_a_seed_is_one_future_whatever_stands_beside_it():
    generator = tiny_generator(2)
    latents = clip_latents(generator, label=1)
    clip = clip_of(generator, latents)
    together, alone = futures(generator, clip, latents, [3, 4], 24), futures(generator, clip, latents, [4], 24)
    assert torch.allclose(together[1:], alone, atol=1e-4)


def test_the_residual_is_there_at_first_and_gone_after_twelve_frames():
    generator = tiny_generator()
    latents = clip_latents(generator)
    clip = clip_of(generator, latents)
    plain, lifted = (futures(generator, real, latents, [0], 32) for real in (clip, clip + 0.2))
    difference = (lifted - plain).mean(dim=(0, 2, 3, 4))
    assert difference[0] > 0.1
    assert difference[6] < 0.7 * difference[0]
    assert difference[12:].abs().max() < 1e-5


def test_a_slowed_path_is_one_step_late_in_the_end():
    codes = [torch.full((3, 1), float(step)) for step in range(1, 12)]
    late = slowed(iter(codes), torch.zeros(3, 1), torch.tensor([0.0, 1.0, 4.0]))
    path = torch.stack([next(late)[:, 0] for _ in range(8)])
    assert path[:, 0].tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert path[:, 1:][2:].tolist() == [[step, step] for step in range(2, 8)]
    assert path[0, 2] < path[0, 1] < 1
    assert (path[1:] > path[:-1]).all()


def test_weights_and_fades():
    weights = tail_weights(33)
    assert weights[-1] == 1
    assert torch.isclose(weights[-17], torch.tensor(0.5))
    assert (weights[1:] > weights[:-1]).all()
    assert fade(13, 12) == fade(99, 12) == 0
    assert 0.95 < fade(1, 12) < 1


def test_another_clips_motion_is_followed_and_then_goes_on():
    generator = tiny_generator()
    start, motion = clip_latents(generator, seed=1), clip_latents(generator, seed=2)
    conditions = constant_conditions(generator, start.content, None)
    codes = torch.stack(list(islice(followed_codes(generator, start, motion, [0], conditions), 16)), dim=1)
    assert torch.equal(codes[:, 4:12], motion.motion_codes[:, 4:])
    residual = start.motion_codes[:, -1] - motion.history[:, -1]
    assert torch.allclose(codes[:, 0] - motion.motion_codes[:, 0], fade(1, 3) * residual)
    after = islice(continued_codes(generator, motion, [0], conditions), 4)
    assert torch.equal(codes[:, 12:], torch.stack(list(after), dim=1))
    longer = torch.cat(list(decode_on(generator, start, [0, 3], 60, motion)), dim=1)
    assert longer.shape[:2] == (2, 60)
    assert torch.equal(longer[0, :48], clip_of(generator, start))
