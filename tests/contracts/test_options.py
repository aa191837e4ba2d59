"""Every option of the objective trains: for each value of each choice in the config, and for each preset.

The list is read from the config itself, so that a new value is tested the moment it exists.
"""

from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
import torch
from pydantic import BaseModel
from tiny_run import TINY, run_step, tiny_state

from videogan.config import Config
from videogan.presets import PRESETS, preset

GROUPS = (
    "adversarial",
    "penalty",
    "generator",
    "frame_discriminator",
    "clip_discriminator",
    "joint_discriminator",
    "projected_discriminator",
    "encoder",
)
NEEDS = {
    "frame_discriminator.normalisation=batch": ["penalty.kind=none"],
    "clip_discriminator.normalisation=batch": ["penalty.kind=none"],
    "generator.subpixel=2": ["generator.channels=[16,12,8]"],
    "penalty.scale=absolute": ["penalty.r1_weight=1"],
    "joint_discriminator.normalisation=batch": ["penalty.kind=none", "joint_discriminator.weight=0.5"],
    "joint_discriminator.normalisation=spectral": ["joint_discriminator.weight=0.5"],
    "joint_discriminator.normalisation=rms": ["joint_discriminator.weight=0.5"],
}
INSEPARABLE = ("generator.subpixel=2",)
"""Settings without which what they need is no configuration."""
OTHER_VALUES = {
    "adversarial.real_label": (0.9, ["adversarial.kind=non-saturating"]),
    "adversarial.fake_label": (0.1, ["adversarial.kind=least-squares"]),
    "adversarial.generator_interval": (2, []),
    "penalty.interval": (4, []),
    "penalty.decay_steps": (1, []),
    "joint_discriminator.weight": (0.5, []),
    "projected_discriminator.weight": (0.5, []),
    "projected_discriminator.size": (64, ["projected_discriminator.weight=0.5"]),
    "projected_discriminator.num_frames": (1, ["projected_discriminator.weight=0.5"]),
    "projected_discriminator.head_channels": (8, ["projected_discriminator.weight=0.5"]),
    "projected_discriminator.minibatch_std": (2, ["projected_discriminator.weight=0.5"]),
    "projected_discriminator.warmup_steps": (0, ["projected_discriminator.weight=0.5"]),
    "encoder.clip_cycle_weight": (1.0, []),
    "encoder.class_cycle_weight": (1.0, []),
    "encoder.recurrent_cycle_weight": (1.0, []),
    "encoder.translation_weight": (1.0, []),
    "encoder.feature_weight": (1.0, []),
    "encoder.generator_weight": (0.0, []),
    "generator.max_half_life": (0, []),
    "generator.place_until": (8, []),
    "generator.place_lr_multiplier": (0.1, ["generator.place_until=8"]),
}


def members(annotation: Any) -> list[Any]:
    """The members of a union, annotated or not."""
    if get_origin(annotation) is Annotated:
        return members(get_args(annotation)[0])
    return list(get_args(annotation)) if get_origin(annotation) in (Union, UnionType) else [annotation]


def choices() -> list[tuple[str, ...]]:
    """Settings for every literal and every switch of every group, and for every kind of a union."""
    changes: list[tuple[str, ...]] = []
    for group in GROUPS:
        for model in members(Config.model_fields[group].annotation):
            assert issubclass(model, BaseModel)
            first = f"{group}.kind={model.model_fields['kind'].default}" if "kind" in model.model_fields else None
            for name, field in model.model_fields.items():
                if get_origin(field.annotation) is Literal or field.annotation is bool:
                    for value in get_args(field.annotation) or ("true", "false"):
                        setting = f"{group}.{name}={value}"
                        first_too = [first] if first and name != "kind" and group == "penalty" else []
                        changes.append((*first_too, *NEEDS.get(setting, []), setting))
    changes += [(*needed, f"{key}={value}") for key, (value, needed) in OTHER_VALUES.items()]
    return changes


CHOICES = choices()


def train(config: Config, steps: int) -> dict[str, float]:
    state = tiny_state(config)
    for step in range(steps):
        losses = run_step(state, config, step)
        for name, value in losses.items():
            assert value.isfinite(), f"{name} at step {step}"
    for name, network in state.networks.named().items():
        assert all(p.isfinite().all() for p in network.parameters()), name
    return {name: value.item() for name, value in losses.items()}


def test_the_list_is_read_from_the_config():
    values = {settings[-1] for settings in CHOICES}
    assert {"adversarial.kind=wasserstein", "penalty.kind=exact", "generator.prior=normal"} <= values
    assert {"generator.normalisation=rms", "encoder.reconstruction=l2"} <= values


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("settings", CHOICES, ids=lambda settings: settings[-1])
def test_every_option_trains_200_steps(settings):
    train(preset("cpu", [*TINY, *settings]), 200)


def weights_after(settings: tuple[str, ...], steps: int = 2) -> torch.Tensor:
    config = preset("cpu", [*TINY, *settings])
    state = tiny_state(config)
    for step in range(steps):
        losses = run_step(state, config, step)
        assert all(value.isfinite() for value in losses.values())
    networks = state.networks.named().values()
    return torch.cat([p.flatten() for network in networks for p in network.parameters()])


@cache
def weights_without(settings: tuple[str, ...]) -> torch.Tensor:
    return weights_after(settings)


@pytest.mark.parametrize("settings", CHOICES, ids=lambda settings: settings[-1])
def test_every_option_trains_and_changes_what_is_learnt(settings):
    """But for those that name the default itself, which change nothing."""
    config, weights = preset("cpu", [*TINY, *settings]), weights_after(settings)
    without = () if settings[-1] in INSEPARABLE else settings[:-1]
    others = weights_without(without)
    same = weights.shape == others.shape and torch.equal(weights, others)
    assert same == (config == preset("cpu", [*TINY, *without]))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", [name for name in PRESETS if not name.startswith("gpu")])
def test_every_small_preset_trains_200_steps(name):
    train(preset(name, TINY), 200)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_trains_at_a_small_size(name):
    small = [*TINY, "generator.dense_until=16"]
    losses = train(preset(name, small), 2)
    assert ("clip_wasserstein_distance" in losses) == (name == "wgan-gp")
