"""Which settings of a run may be others when it goes on."""

from collections.abc import Mapping
from typing import Any

from videogan.config import Config, EvaluateConfig

OF_MACHINE = ("data.cache_dir", "data.cache_limit_gb")
"""Settings that each machine of a training may have for itself."""
SESSION_SETTINGS = (
    "train.steps",
    "train.keep",
    "train.tick_steps",
    "train.threads",
    "train.device",
    "train.precision",
    "train.compile",
    "train.timeout_minutes",
    *OF_MACHINE,
    *(f"evaluate.{name}" for name in EvaluateConfig.model_fields),
    "start.sha256",
)
"""Settings that make no other run: of where and how long it is trained, or filled in when it begins."""

_NO_CHANGES = ("train.steps", "start.sha256")
"""Settings that nobody changes: a run's end, and what it says of the model that it started from."""
_OF_BEGINNING = ("train.seed", "train.grow_at", "start.model", "start.sizes")

_OF_CLIPS = ("size", "num_frames", "frame_stride", "frame_rate", "fit", "short", "labels")
_OF_NETWORKS = ("channels", "head_channels", "minibatch_std", "normalisation", "num_frames")


def differences(old: Config, new: Config) -> dict[str, tuple[Any, Any]]:
    """Return every ``group.key`` whose value is another, with both values."""
    before, after = old.model_dump(), new.model_dump()
    changed: dict[str, tuple[Any, Any]] = {}
    for group, values in before.items():
        if isinstance(values, dict):
            for name in {**values, **after[group]}:
                both = values.get(name), after[group].get(name)
                if both[0] != both[1]:
                    changed[f"{group}.{name}"] = both
    return changed


def refused_change(changed: Mapping[str, tuple[Any, Any]]) -> str:
    """Name the first change under which a run cannot go on, or return an empty string.

    It would make other networks, other clips, or another beginning; anything else may change in mid-run.
    """
    for key, (before, after) in changed.items():
        group, _, name = key.partition(".")
        of_clips = group == "data" and name in _OF_CLIPS
        if makes_other_networks(key, before, after) or of_clips or key in _OF_BEGINNING:
            return f"{key}={before}, not {after}"
    return ""


def makes_other_networks(key: str, before: Any, after: Any) -> bool:
    """Tell whether networks are others with this value of a setting."""
    group, _, name = key.partition(".")
    of_networks = group == "generator" or (group != "data" and name in _OF_NETWORKS)
    a_network = group.endswith("_discriminator") and name == "weight" and bool(before) != bool(after)
    return of_networks or a_network


def in_words(changed: Mapping[str, tuple[Any, Any]]) -> str:
    """Say with which other settings a run goes on, empty where there are none; its end is no setting."""
    changes = [f"{key}={now} (so far {before})" for key, (before, now) in changed.items() if key not in _NO_CHANGES]
    return f" with {', '.join(changes)}" if changes else ""
