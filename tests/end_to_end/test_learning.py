"""Training teaches something: generated clips come nearer to real ones, by a distance that no network has learned."""

import pytest
import torch
from einops import rearrange, reduce

from videogan.data.loader import ClipBatch
from videogan.device import pick_precision
from videogan.generation.sampling import stream, take
from videogan.preparation.synthetic import moving_shapes
from videogan.presets import preset
from videogan.training.state import new_state
from videogan.training.step import advance
from videogan.video import to_float

STEPS = 60


def features(clips: torch.Tensor) -> torch.Tensor:
    """Mean and mean absolute difference over frames of clips ``b t c h w``, at 8 x 8 pixels."""
    small = reduce(clips, "b t c (h y) (w x) -> b t (c h w)", "mean", h=8, w=8)
    return torch.cat([small.mean(1), small.diff(dim=1).abs().mean(1)], dim=1)


def kernel_distance(x: torch.Tensor, y: torch.Tensor) -> float:
    """Squared MMD of the cubic kernel, unbiased (Binkowski et al. 2018, "Demystifying MMD GANs", eq. 4)."""

    def kernel(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return (a @ b.T / a.shape[1] + 1) ** 3

    def within(a: torch.Tensor) -> torch.Tensor:
        matrix = kernel(a, a)
        return (matrix.sum() - matrix.trace()) / (len(a) * (len(a) - 1))

    return float(within(x) + within(y) - 2 * kernel(x, y).mean())


def real_frames(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Clips as the loader gives them, uint8 ``b t h w c``, and their classes."""
    videos = torch.stack([torch.from_numpy(moving_shapes(i, size=32, num_frames=16)[0]) for i in range(count)])
    return videos, torch.arange(count) % 3


def generated(state, count: int) -> torch.Tensor:
    generator = state.networks.ema_generator
    return torch.cat(list(take(stream(generator, range(count), torch.arange(count) % 3), 16)), dim=1)


@pytest.mark.timeout(600)
def test_a_tiny_model_halves_its_distance_to_moving_shapes():
    precision, _ = pick_precision(torch.device("cpu"))
    slim = ["generator.channels=[48,32,24,12]", "clip_discriminator.channels=[8,16,32]"]
    slim += ["frame_discriminator.channels=[8,16,32,32]", "train.batch_size=8", "augment.probability=0"]
    slim += ["data.num_frames=16", "generator.hidden_dim=256", "encoder.channels=[24,48,96]"]
    config = preset("cpu", [*slim, f"train.precision={precision}", "train.device=cpu", "train.compile=never"])
    state = new_state(config, 3, torch.device("cpu"))
    frames, labels = real_frames(360)
    clips = to_float(frames)
    real = features(clips[240:])
    before = kernel_distance(features(generated(state, 120)), real)
    order = torch.randint(240, (STEPS, config.train.batch_size), generator=torch.Generator().manual_seed(0))
    for numbers in order:
        advance(state, ClipBatch(frames[numbers], labels[numbers]))
    after = kernel_distance(features(generated(state, 120)), real)
    floor = kernel_distance(features(clips[:120]), real)
    assert floor < before / 20, "the distance must be able to tell"
    assert after < before / 2


def test_the_distance_is_zero_in_the_mean_between_clips_of_one_distribution():
    clips = to_float(real_frames(240)[0])
    order = torch.randperm(240, generator=torch.Generator().manual_seed(1))
    halves = rearrange(features(clips[order]), "(n b) k -> n b k", n=2)
    away = features(clips[order] * 0.5)[:120]
    assert abs(kernel_distance(halves[0], halves[1])) < 0.05 * kernel_distance(away, halves[1])
