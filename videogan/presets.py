"""Presets, and the way from a command line to a :class:`videogan.config.Config`."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from videogan.config import Config, reference
from videogan.config.reference import Setting as Setting
from videogan.errors import MissingPathError, UsageError, did_you_mean, reason_of
from videogan.files import load_json, parse_json, write_text

GPU = {
    "data.num_frames": 16,
    "generator.noise_dim": 16,
    "generator.class_dim": 64,
    "generator.motion_dim": 256,
    "generator.hidden_dim": 512,
    "generator.dense_until": 32,
    "generator.place_until": 32,
    "frame_discriminator.num_frames": 4,
    "augment.probability": 0.3,
    "penalty.r1_weight": 3.0,
    "penalty.r2_weight": 3.0,
    "optimizer.learning_rate": 4e-4,
    "optimizer.warmup_steps": 200,
    "optimizer.decay_steps": 4_000,
    "train.max_burn_in": 48,
    "train.batch_size": 16,
    "train.ema_half_life": 20_000,
    "train.ema_ramp": 0.05,
    "train.tick_steps": 1_000,
    "train.steps": 30_000,
}

CLASSIC = {
    # the textbook's: Goodfellow et al. 2014, Salimans et al. 2016, Radford et al. 2016, Odena et al. 2017
    "adversarial.kind": "non-saturating",
    "adversarial.real_label": 0.9,
    "penalty.kind": "none",
    "generator.normalisation": "batch",
    "frame_discriminator.normalisation": "batch",
    "clip_discriminator.normalisation": "batch",
    "optimizer.learning_rate": 2e-4,
    "optimizer.decay_steps": 0,
    "optimizer.beta1": 0.5,
    "optimizer.beta2": 0.999,
}
WGAN_GP = {
    # Gulrajani et al. 2017, algorithm 1, with fewer updates of the critics for each of the generator
    "adversarial.kind": "wasserstein",
    "adversarial.generator_interval": 2,
    "adversarial.centring_weight": 0.001,
    "penalty.kind": "wgan-gp",
    "optimizer.learning_rate": 5e-4,
    "optimizer.decay_steps": 0,
    "optimizer.beta2": 0.9,
}

PRESETS: dict[str, dict[str, Any]] = {
    # What differs from the defaults (cpu). At a fixed time the number of updates decides, not the size of the networks:
    # so the GPU presets are lean, and gpu64-large is for runs of many hours.
    "cpu": {},
    "classic": CLASSIC,
    "wgan-gp": WGAN_GP,
    "gpu64": {
        **GPU,
        "data.size": 64,
        "generator.channels": (256, 256, 128, 64, 32),
        "frame_discriminator.channels": (32, 64, 128, 256, 256),
        "clip_discriminator.channels": (32, 64, 128, 256),
        "encoder.channels": (32, 64, 128, 256),
    },
    "gpu64-large": {
        **GPU,
        "optimizer.decay_steps": 2_000,
        "data.size": 64,
        "generator.channels": (512, 384, 256, 128, 64),
        "frame_discriminator.channels": (64, 128, 256, 384, 512),
        "clip_discriminator.channels": (64, 128, 256, 512),
        "encoder.channels": (64, 128, 256, 512),
        "train.batch_size": 64,
    },
    "gpu128": {
        **GPU,
        "data.size": 128,
        "generator.channels": (256, 256, 128, 64, 32, 16),
        "frame_discriminator.channels": (16, 32, 64, 128, 256, 256),
        "clip_discriminator.channels": (16, 32, 64, 128, 256),
        "encoder.channels": (16, 32, 64, 128, 256),
    },
    "gpu256": {
        **GPU,
        "data.size": 256,
        "generator.channels": (256, 256, 128, 64, 32, 16, 16),
        "frame_discriminator.channels": (16, 16, 32, 64, 128, 256, 256),
        "clip_discriminator.channels": (16, 16, 32, 64, 128, 256),
        "encoder.channels": (16, 16, 32, 64, 128, 256),
    },
}


def preset(name: str, settings: Sequence[str] = ()) -> Config:
    """Return a preset, changed by ``group.key=value`` settings.

    Raises:
        UsageError: the preset, a key or a value is not known, with the nearest that is.
    """
    if name not in PRESETS:
        raise UsageError(f"there is no preset {name!r}{did_you_mean(name, PRESETS)}; presets are {', '.join(PRESETS)}")
    return change(change(Config(preset=name), PRESETS[name]), dict(map(parse_setting, settings)))


def settings(name: str = "cpu", group: str | None = None) -> list[Setting]:
    """Return every setting of a preset, or of one of its groups such as ``data``, with what it may be and what it does.

    Raises:
        UsageError: there is no such preset or group.
    """
    config = preset(name)
    groups = [key for key, value in config if isinstance(value, BaseModel)]
    if group is not None and group not in groups:
        raise UsageError(f"there is no group {group!r}{did_you_mean(group, groups)}; groups are {', '.join(groups)}")
    return [setting for setting in reference.settings(config) if group in (None, setting.name.partition(".")[0])]


def parse_setting(setting: str) -> tuple[str, Any]:
    """Split ``group.key=value``; the value is JSON where that parses, else text."""
    key, equals, text = setting.partition("=")
    if not equals:
        raise UsageError(f"a setting is group.key=value, not {setting!r}")
    try:
        return key.strip(), parse_json(text)
    except ValueError:
        return key.strip(), text


def change(config: Config, changes: Mapping[str, Any]) -> Config:
    """Return ``config`` with some ``group.key`` entries changed; everything is checked again.

    Changing ``penalty.kind`` starts from that kind's defaults.
    """
    tree = config.model_dump()
    for key, value in sorted(changes.items(), key=lambda item: not item[0].endswith(".kind")):
        group, _, name = key.partition(".")
        if not isinstance(tree.get(group), dict):
            raise UsageError(f"there is no setting {key!r}{_nearest(key, config)}")
        if name == "kind" and value != tree[group].get("kind"):
            tree[group] = {}
        tree[group][name] = value
    if "data.size" in changes:
        _fit_channels(tree, config.data.size, set(changes))
    return validate(tree)


def _fit_channels(tree: dict[str, Any], old_size: int, changed: set[str]) -> None:
    """Lengthen or shorten, at their high-resolution end, the channel lists that the user left alone."""
    size = tree["data"]["size"]
    if not isinstance(size, int) or size < 32:
        return
    more = size.bit_length() - old_size.bit_length()
    for group, settings in tree.items():
        if not isinstance(settings, dict) or not settings.get("channels") or f"{group}.channels" in changed:
            continue
        channels = list(settings["channels"])
        from_coarse = channels if group == "generator" else channels[::-1]
        from_coarse = from_coarse[: len(channels) + more]
        from_coarse += [max(8, from_coarse[-1] >> i) for i in range(1, more + 1)]
        tree[group]["channels"] = tuple(from_coarse if group == "generator" else from_coarse[::-1])


def validate(tree: Mapping[str, Any], source: str = "") -> Config:
    """Build a config from plain values; ``source`` names the file that they came from.

    Raises:
        UsageError: with the first wrong key, what was given and what is allowed.
    """
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        # A union adds its kind to the location, which is no part of the key.
        location = [str(part) for part in first["loc"]]
        key = ".".join(location[:1] + location[-1:] if len(location) > 1 else location)
        where = f"{source}: " if source else ""
        if first["type"] == "extra_forbidden" and key in known_settings(Config()):  # of another kind than this one
            raise UsageError(f"{where}{location[0]}.kind={location[1]} has no setting {key!r}") from None
        if first["type"] == "extra_forbidden":
            raise UsageError(f"{where}there is no setting {key!r}{_nearest(key, Config())}") from None
        if first["type"] == "value_error" and not location:
            raise UsageError(f"{where}{first['ctx']['error']}") from None
        reason = first["msg"].removeprefix("Value error, ")
        raise UsageError(f"{where}setting {key} = {first['input']!r:.100}: {reason}") from None


def known_settings(config: Config) -> list[str]:
    """Return every ``group.key`` that a config has."""
    tree = config.model_dump()
    return [f"{group}.{name}" for group, values in tree.items() if isinstance(values, dict) for name in values]


def _nearest(key: str, config: Config) -> str:
    """Say which setting may have been meant: one of the same group, one of that name in another, or what there is."""
    settings = known_settings(config)
    group, _, name = key.partition(".")
    siblings = [setting for setting in settings if setting.startswith(f"{group}.")]
    for candidates in (siblings, settings):
        names = {setting.partition(".")[2]: setting for setting in candidates}
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
        if near:
            return f" (did you mean {names[near[0]]!r}?)"
    if siblings:
        return f"; {group} has {', '.join(setting.partition('.')[2] for setting in siblings)}"
    return f"; groups are {', '.join(dict.fromkeys(setting.partition('.')[0] for setting in settings))}"


def load_config(path: Path) -> Config:
    """Read a ``config.json``.

    Raises:
        MissingPathError: there is no such file.
        UsageError: it is not a config.
    """
    try:
        tree = load_json(path)
    except FileNotFoundError:
        raise MissingPathError(f"{path}: no such config file") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: not a readable config file ({reason_of(error)})") from None
    if not isinstance(tree, dict):
        raise UsageError(f"{path}: not a config, which is one JSON object")
    return validate(tree, str(path))


def save_config(config: Config, path: Path) -> None:
    """Write a config as JSON, whole or not at all."""
    write_text(path, config.model_dump_json(indent=2) + "\n")
