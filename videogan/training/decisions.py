"""The whole configuration of a run from what was asked for, every ``auto`` decided, with the reasons in words."""

from collections.abc import Mapping
from typing import Any

import torch

from videogan import presets
from videogan.artifacts.runs import RunFolder
from videogan.config import Config
from videogan.device import describe, pick_device, pick_precision, pick_threads
from videogan.errors import UsageError
from videogan.training.start import base_config, default_model, model_in_words, with_sizes_of_model

KERNELS_TRIED = 3
"""Kernels that cuDNN tries for each convolution: its own first choices; the search for the fastest delays the first
step."""


def decide_config(folder: RunFolder | None, preset: str | None, changes: Mapping[str, Any]) -> tuple[Config, list[str]]:
    """Return the whole config, every ``auto`` decided, and in words what was decided and why.

    Without a preset, a run that exists gives its own settings; without a run, the machine chooses the preset.
    """
    own = (
        presets.load_config(folder.config) if folder is not None and preset is None and folder.config.exists() else None
    )
    device, decisions = _decide_device(own, changes)
    if own is None:
        because = ""
        if "start.model" not in changes:
            model, because = default_model(preset, changes, device.type)
            changes = {"start.model": model, **changes}
        base, why = base_config(str(changes["start.model"]), preset, device.type)
    else:
        base, why = own, "as the run has it"
        changes = {"train.threads": "auto", "train.compile": "auto", **changes}
    config = presets.change(base, changes)
    if own is None:
        config = with_sizes_of_model(config)
        decisions.append(model_in_words(config.start.model, because))
    size, num_frames = config.data.size, config.data.num_frames
    decisions.append(f"preset: {base.preset}, {why}: clips of {num_frames} frames, {size} x {size} pixels")
    decided: dict[str, object] = {"train.device": str(device)}
    if config.train.threads == "auto" and device.type == "cpu":
        decided["train.threads"], reason = pick_threads()
        decisions.append(f"threads: {decided['train.threads']}, because {reason}")
    if config.train.precision == "auto":
        decided["train.precision"], reason = pick_precision(device)
        decisions.append(f"precision: {decided['train.precision']}, because {reason}")
    if config.train.compile == "auto":
        decided["train.compile"] = "never"
        if device.type == "cuda":
            decisions.append(
                "compile: never, because compiling takes minutes, in which a CUDA graph makes thousands of steps"
            )
    return presets.change(config, decided), decisions


def _decide_device(own: Config | None, changes: Mapping[str, Any]) -> tuple[torch.device, list[str]]:
    """Return the device that is asked for, or the run's, or what there is; with what to say of it."""
    asked = str(changes.get("train.device", "auto" if own is None else own.train.device))
    try:
        device = pick_device(asked)
    except UsageError:
        if own is None or "train.device" in changes:
            raise
        device = pick_device()
        return device, [f"device: {describe(device)}, because there is no {asked} here, which the run was trained on"]
    return device, [f"device: {describe(device)}"]


def set_up_torch(config: Config) -> torch.device:
    """Let torch work as was decided, and return the device of the networks."""
    device = torch.device(config.train.device)
    if isinstance(config.train.threads, int):
        torch.set_num_threads(config.train.threads)
    if device.type == "cuda":
        torch.backends.cudnn.benchmark, torch.backends.cudnn.benchmark_limit = True, KERNELS_TRIED
        torch.set_float32_matmul_precision("high")
    return device
