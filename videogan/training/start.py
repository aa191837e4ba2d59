"""What a new run takes from a model: its configuration, and the weights that agree."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from videogan import presets
from videogan.artifacts.networks import StoredNetworks, read_networks
from videogan.artifacts.runs import OF_PACKAGE, RunFolder, find_weights
from videogan.artifacts.weights import Card, read_card
from videogan.config import Config
from videogan.errors import UsageError
from videogan.models.generator import Generator
from videogan.models.growth import grown
from videogan.models.transfer import take_over, with_classes_as, with_places_times
from videogan.training.changes import differences, makes_other_networks
from videogan.training.state import TrainingState, new_state

_log = logging.getLogger(__name__)

NOTHING = "none"
STARTERS = {32: "starter", 64: "starter64"}
"""What a new run starts from on a CPU where neither preset nor model is named, by the smallest frames that it is for;
benchmarks/starting.py compares them with nothing."""
IN_WORDS = {
    "starter": "the starter that comes along",
    "starter64": "the starter of 64 pixels that comes along",
    "shipped": "the model that comes along",
}
WITHOUT_EFFECT_AT_FIRST = (
    "generator.place_until",
    "generator.place_lr_multiplier",
    "projected_discriminator.weight",
    "projected_discriminator.num_frames",
    "projected_discriminator.head_channels",
    "projected_discriminator.minibatch_std",
)
"""Settings of networks that only add what begins without an effect, so that a starter lends all that it has."""
LATENT_SETTINGS = (
    "content_dim",
    "class_dim",
    "noise_dim",
    "motion_dim",
    "motion_inputs",
    "prior",
    "class_scale",
    "content_scale",
)
"""Settings of the generator that say what codes are; a model of others has nothing to give."""


def model_in_words(model: str, because: str = "") -> str:
    """Say what a new run starts from, and what else it could."""
    if model == NOTHING:
        reason = f", because {because}" if because else ""
        if Path(STARTERS[32]).exists():
            return f"start: from nothing{reason}"
        return f"start: from nothing{reason}; --from {STARTERS[32]} starts from {IN_WORDS[STARTERS[32]]}"
    return f"start: from {IN_WORDS.get(model, model)}; --from {NOTHING} starts from nothing"


def default_model(preset: str | None, changes: Mapping[str, Any], device_type: str) -> tuple[str, str]:
    """Return what a new run starts from where nobody says it; if it is not the default because of a change, the change.

    Raises:
        UsageError: there is no such setting, or it cannot have that value.
    """
    if preset is not None or device_type != "cpu" or not all(OF_PACKAGE[name].is_file() for name in STARTERS.values()):
        return NOTHING, ""
    size = presets.change(presets.preset("cpu"), {k: v for k, v in changes.items() if k == "data.size"}).data.size
    model = STARTERS[max(smallest for smallest in STARTERS if smallest <= size)]
    if Path(model).exists():
        return NOTHING, f"{model} here names something else"
    base, _ = base_config(model, None, device_type)
    config = presets.change(base, changes)
    as_grown = presets.change(base, {"data.size": config.data.size})
    for key, (theirs, own) in differences(as_grown, config).items():
        if makes_other_networks(key, theirs, own) and key not in WITHOUT_EFFECT_AT_FIRST:
            return NOTHING, f"{key}={own} makes other networks than the starter's"
    return model, ""


def base_config(model: str, preset: str | None, device_type: str) -> tuple[Config, str]:
    """Return the configuration that a new run's settings change, and why it is that.

    Raises:
        UsageError: there is no such preset.
        MissingPathError, CheckpointError: there is no such model.
    """
    if preset is not None:
        return presets.preset(preset), "as asked"
    of_machine = presets.preset("gpu64" if device_type == "cuda" else "cpu")
    if model != NOTHING:
        return config_of_model(model, of_machine), f"as {model} has it"
    return of_machine, f"because this machine has {'a' if device_type == 'cuda' else 'no'} CUDA GPU"


def config_of_model(model: str, of_machine: Config) -> Config:
    """Return the configuration of a run that starts from a model: the model's own, but for what a machine decides.

    How long, in what batches and on what device to train, where to cache and when to evaluate is that of
    ``of_machine``.

    Raises:
        MissingPathError, CheckpointError: there is no such model.
    """
    own = read_card(find_weights(Path(model))).config
    data = own.data.model_copy(
        update={name: getattr(of_machine.data, name) for name in ("cache_dir", "cache_limit_gb")}
    )
    return own.model_copy(
        update={"data": data, "train": of_machine.train, "evaluate": of_machine.evaluate, "start": of_machine.start}
    )


def with_sizes_of_model(config: Config) -> Config:
    """Return the configuration with the frame sizes that the networks of its model had before they grow to its own.

    Raises:
        MissingPathError, CheckpointError: there is no such model.
        UsageError: its codes or its frames are others than the run's.
    """
    if config.start.model == NOTHING:
        return config
    card = read_card(find_weights(Path(config.start.model)))
    check_fit(card, config)
    sizes = {*card.config.smaller_sizes, card.config.data.size} - {config.data.size}
    return presets.change(config, {"start.sizes": tuple(sorted(sizes))})


def with_hash_of_model(config: Config, run: RunFolder, checkpoint: Path | None) -> Config:
    """Return the configuration with the hash of the model that its run starts from, if it starts from one.

    A run that goes on from a checkpoint has its hash, and needs the model no more.

    Raises:
        MissingPathError, CheckpointError: there is no such model.
    """
    if checkpoint is not None:
        start = presets.load_config(run.config).start
    elif config.start.model != NOTHING:
        start = config.start.model_copy(update={"sha256": read_networks(Path(config.start.model)).sha256})
    else:
        start = config.start
    return config.model_copy(update={"start": start})


def first_state(config: Config, class_names: Sequence[str], device: torch.device) -> TrainingState:
    """Return what a run begins with: fresh networks, with what its model gives them.

    Raises:
        MissingPathError, CheckpointError: there is no such model.
        UsageError: its codes or its frames are others than the run's.
    """
    state = new_state(config, len(class_names), device)
    if config.start.model != NOTHING:
        stored = read_networks(Path(config.start.model))
        check_fit(stored.card, config)
        take_from(state, stored, class_names)
    return state


def check_fit(card: Card, config: Config) -> None:
    """Raise UsageError where a run cannot start from the model of a card."""
    theirs, own = card.config, config
    for name in LATENT_SETTINGS:
        before, now = getattr(theirs.generator, name), getattr(own.generator, name)
        if before != now:
            raise UsageError(
                f"{own.start.model}: has generator.{name}={before}, and this run {now}: its codes would mean nothing; "
                "leave out that setting or --preset, or start by --from none"
            )
    if theirs.data.size > own.data.size:
        raise UsageError(
            f"{own.start.model}: makes frames of {theirs.data.size} pixels, and this run of {own.data.size}: networks "
            "grow and do not shrink; leave out data.size or --preset"
        )
    if theirs.data.size < own.data.size and own.train.freeze_layers:
        raise UsageError("train.freeze_layers keeps the layers next to the pixels, and those of a growing run are new")


def take_from(state: TrainingState, stored: StoredNetworks, class_names: Sequence[str]) -> None:
    """Give fresh networks what they have in common with a model, and say what that is and what it is not."""
    theirs, taken, new = stored.card.class_names, [], []
    for name, network in state.networks.named().items():
        if name not in stored.networks:
            new.append(f"the whole {name}")
            continue
        tensors = grown(stored.networks[name], stored.card.config.data.size, state.config.data.size)
        if isinstance(network, Generator):
            before, now = (one.generator.place_lr_multiplier for one in (stored.card.config, state.config))
            tensors = with_places_times(before / now, with_classes_as(network, tensors))
        left = take_over(network, tensors, theirs, class_names)
        taken.append(name)
        few = [f"{name}.{tensor}" for tensor in left]
        new += few if len(few) <= 2 else [f"{len(few)} of {len(network.state_dict())} tensors of {name}"]
    new += [f"class {name}" for name in class_names if name not in theirs]
    _log.info(
        "starting from %s (step %d, tensors %s): %s",
        state.config.start.model,
        stored.card.step,
        stored.sha256[:12],
        ", ".join(taken),
    )
    _log.info("new, and not taken from it: %s", ", ".join(new) or "nothing")
