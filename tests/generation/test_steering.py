import pytest
import torch
from pydantic import ValidationError
from tiny_generator import changes, tiny_generator

from videogan.errors import UsageError
from videogan.generation.directions import content_directions
from videogan.generation.sampling import latent_stream, stream, take
from videogan.generation.steering import Controls, SteeredVideo, steered
from videogan.models.generator import Generator
from videogan.models.latents import content_code


def film(chunks, frames: int = 40) -> torch.Tensor:
    return torch.cat(list(take(chunks, frames)), dim=1)


def settled(generator: Generator, controls: Controls, directions: torch.Tensor | None = None) -> torch.Tensor:
    """Frames long after the controls took the place of others."""
    video = SteeredVideo(generator, Controls(seeds=(9,)), directions)
    video.frames(4)
    video.steer(controls)
    video.frames(generator.context_steps + 16)
    return video.frames(4)


@pytest.mark.parametrize("num_classes", [0, 3])
@pytest.mark.parametrize("options", [{}, {"truncation": 0.5}, {"speed": 0.7}, {"speed": 2.5}])
def test_left_alone_it_is_the_video_of_sample(num_classes, options):
    generator = tiny_generator(num_classes)
    labels = torch.tensor([5 % 3]) if num_classes else None
    sampled = film(stream(generator, [5], labels, **options))
    assert (film(steered(generator, [(0, Controls(seeds=(5,), **options))])) - sampled).abs().max() < 1e-5
    assert changes(sampled).mean() > 1e-3


def test_chunks_of_any_length_give_the_same_frames():
    generator = tiny_generator()
    one, many = SteeredVideo(generator, Controls()), SteeredVideo(generator, Controls())
    frames = torch.cat([one.frames() for _ in range(6)], dim=1)
    assert (frames - torch.cat([many.frames(4), many.frames(2)], dim=1)).abs().max() < 1e-5


def test_content_and_motion_come_from_seeds_of_their_own():
    generator = tiny_generator()
    both = film(steered(generator, [(0, Controls(seeds=(5,), motion_seed=6))]))
    others = [film(steered(generator, [(0, Controls(seeds=(seed,)))])) for seed in (5, 6)]
    assert all((both - other).abs().mean() > 1e-3 for other in others)
    assert (film(steered(generator, [(0, Controls(seeds=(5,), motion_seed=5))])) - others[0]).abs().max() == 0


def test_new_controls_are_reached_smoothly_and_wholly():
    generator = tiny_generator(2)
    target = Controls(seeds=(5,), motion_seed=9, classes=(0.0, 1.0))
    timeline = [(0, Controls(seeds=(9,), classes=(1.0, 0.0))), (8, target)]
    frames = film(steered(generator, timeline), 96)
    before = film(steered(generator, timeline[:1]), 96)
    assert (frames[:, :32] - before[:, :32]).abs().max() == 0
    assert (frames[:, 32:] - before[:, 32:]).abs().mean() > 0.01
    video = SteeredVideo(generator, timeline[0][1])
    video.steer(target)
    video.frames(generator.context_steps + 16)
    content = content_code(latent_stream(generator, [5]).content_noise, generator.prior)
    condition = generator.condition(content, torch.tensor([1]))
    assert torch.equal(video._step()[1], condition)


def test_between_two_seeds_lies_something_else():
    generator = tiny_generator()
    ends = [settled(generator, Controls(seeds=(1, 2), at=at, motion_seed=9)) for at in (0, 0.5, 1)]
    alone = settled(generator, Controls(seeds=(2,), motion_seed=9))
    assert (ends[2] - alone).abs().max() < 1e-5
    assert min((ends[1] - end).abs().mean() for end in (ends[0], ends[2])) > 1e-4


def test_offsets_move_along_directions_and_back():
    generator = tiny_generator(2)
    directions = content_directions(generator)
    here, there = Controls(seeds=(1,), motion_seed=9), Controls(seeds=(1,), motion_seed=9, offsets=(2.0, 0.0))
    assert (settled(generator, there, directions) - settled(generator, here, directions)).abs().mean() > 1e-3
    assert torch.equal(settled(generator, there), settled(generator, here)), "without directions they do nothing"


def test_directions_move_the_features_along_their_principal_components():
    generator = tiny_generator()
    directions = content_directions(generator, 3)
    assert torch.equal(directions, content_directions(generator, 3))
    noise = latent_stream(generator, range(256)).content_noise

    def features(noise: torch.Tensor) -> torch.Tensor:
        condition = generator.condition(content_code(noise, generator.prior), None)
        still = torch.zeros(len(noise), generator.motion_dim)
        return generator.codes(torch.cat([condition, generator.motion(still)], dim=1))

    moved = [(features(noise + step) - features(noise)).norm(dim=1).mean() for step in directions]
    random = torch.randn(64, directions.shape[1])
    others = [
        (features(noise + step * directions[0].norm() / step.norm()) - features(noise)).norm(dim=1).mean()
        for step in random
    ]
    assert moved[0] > torch.stack(others).mean()
    assert torch.cosine_similarity(directions[0], directions[1], dim=0).abs() < 0.5


@pytest.mark.parametrize(
    "values",
    [
        {"seeds": ()},
        {"seeds": (-1,)},
        {"seeds": (1, 2), "at": 1.5},
        {"at": -0.1},
        {"classes": (0.0, 0.0)},
        {"classes": (2.0,)},
        {"truncation": 1.1},
        {"speed": 0},
        {"speed": float("nan")},
        {"offsets": (5, 0)},
        {"sead": 1},
    ],
)
def test_impossible_controls_are_refused(values):
    with pytest.raises(ValidationError):
        Controls.model_validate(values)


def test_shares_of_other_classes_are_refused_and_change_nothing():
    generator = tiny_generator(2)
    video = SteeredVideo(generator, Controls())
    before = SteeredVideo(generator, Controls()).frames(2)
    for wrong in (Controls(classes=(1.0,)), Controls(seeds=(3,), classes=(1.0, 0.0, 0.0))):
        with pytest.raises(UsageError, match="shares for a model of 2 classes"):
            video.steer(wrong)
    assert torch.equal(video.frames(2), before)
