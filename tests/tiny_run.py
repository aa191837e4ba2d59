"""A tiny run on tensors that are made here."""

import torch

from videogan.config import Config
from videogan.presets import preset
from videogan.training.draws import StepDraws, draw_step
from videogan.training.objective import Losses
from videogan.training.state import Networks, Optimizers, TrainingState, new_state
from videogan.training.step import step_input, update

TINY = (
    "data.size=32",
    "data.num_frames=8",
    "generator.channels=[16,12,8,8]",
    "generator.hidden_dim=32",
    "generator.motion_dim=16",
    "generator.content_dim=8",
    "generator.class_dim=4",
    "generator.noise_dim=4",
    "frame_discriminator.channels=[8,8,16,16]",
    "clip_discriminator.channels=[8,12,16]",
    "encoder.channels=[8,12,16]",
    "train.batch_size=4",
    "train.device=cpu",
    "train.threads=1",
    "train.precision=float32",
    "train.compile=never",
    "train.min_burn_in=1",
    "train.max_burn_in=4",
)


def tiny_config(*settings: str) -> Config:
    return preset("cpu", [*TINY, *settings])


def tiny_state(config: Config, num_classes: int = 2) -> TrainingState:
    return new_state(config, num_classes, torch.device("cpu"))


def real_batch(config: Config, step: int, num_classes: int = 2) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Clips in which a bright square moves right (class 0) or down (class 1)."""
    source = torch.Generator().manual_seed(step)
    batch, size, frames = config.train.batch_size, config.data.size, config.data.num_frames
    clips = torch.full((batch, frames, 3, size, size), -0.8)
    labels = torch.randint(0, 2, (batch,), generator=source)
    for clip, label, place in zip(clips, labels, torch.randint(0, size // 2, (batch,), generator=source), strict=True):
        for t in range(frames):
            y, x = (int(place), t % (size - 4)) if label == 0 else (t % (size - 4), int(place))
            clip[t, :, y : y + 4, x : x + 4] = 0.9
    return clips, labels if num_classes else None


def train_step(
    networks: Networks,
    optimizers: Optimizers,
    real: torch.Tensor,
    labels: torch.Tensor | None,
    draws: StepDraws,
    config: Config,
) -> Losses:
    """Update every network once on the clips ``real (b t c h w)`` of classes ``labels (b)``; return named scalars."""
    x = step_input(networks.generator, real, labels, draws)
    return update(networks, optimizers, x, draws.updates, config)


def run_step(state: TrainingState, config: Config, step: int, num_classes: int = 2) -> dict[str, torch.Tensor]:
    real, labels = real_batch(config, step, num_classes)
    draws = draw_step(config, state.networks.generator, labels, step=step, device=torch.device("cpu"))
    return train_step(state.networks, state.optimizers, real, labels, draws, config)
