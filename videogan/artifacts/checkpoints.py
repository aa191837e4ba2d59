"""Checkpoints: tensors and JSON, never a pickled object.

A checkpoint is a folder ``step-00012000`` with three files::

    generator.safetensors   the weights that make videos, described by themselves
    state.pt                the full state of training: tensors, text and whole numbers only
    meta.json               sizes and SHA-256 of both, written last

It is written under another name, synced to disk and renamed, so that a checkpoint which exists is whole.
"""

import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from videogan.artifacts.checkpoint_files import (
    META,
    STATE,
    WEIGHTS,
    checkpoint_name,
    fingerprint,
    list_checkpoints,
    remove_checkpoint,
    sizes_fit,
)
from videogan.artifacts.weights import Weights, save_weights
from videogan.errors import CheckpointError, UsageError, reason_of
from videogan.files import check_regular, sync, write_json


def save_checkpoint(
    folder: Path, weights: Weights, state: Mapping[str, Any], *, keep: int, best: int | None = None
) -> Path:
    """Write ``folder/step-NNNNNNNN`` from weights and a state of tensors, text and whole numbers.

    Older checkpoints beyond the newest ``keep`` whole ones are removed once the new one is whole; that of step ``best``
    stays, and so does whatever training did not write.

    Raises:
        UsageError: the folder cannot be written (no permission, no space).
    """
    final = folder / checkpoint_name(weights.card.step)
    part = folder / f".{final.name}.part"
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        save_weights(part / WEIGHTS, weights.generator, weights.encoder, weights.card)
        torch.save(dict(state), part / STATE)
        sync(part / STATE)
        files = {name: asdict(fingerprint(part / name)) for name in (WEIGHTS, STATE)}
        write_json(part / META, {"step": weights.card.step, "files": files})
        if final.exists() and not remove_checkpoint(final):
            raise UsageError(f"{final}: is in the way and not a checkpoint as training writes it; move it away")
        part.rename(final)
        sync(folder)
    except (OSError, RuntimeError, SafetensorError) as error:
        shutil.rmtree(part, ignore_errors=True)
        raise UsageError(f"{folder}: a checkpoint cannot be written ({reason_of(error)})") from None
    _prune(folder, newest=final, keep=keep, best=best)
    return final


def _prune(folder: Path, *, newest: Path, keep: int, best: int | None) -> None:
    """Remove whole checkpoints beyond the ``keep`` last ones up to ``newest``; damaged ones are no one's to count."""
    whole = [path for path in list_checkpoints(folder) if sizes_fit(path) and path != newest]
    for old in whole[: len(whole) - (keep - 1)]:
        if best is None or old.name != checkpoint_name(best):
            remove_checkpoint(old)


def load_state(checkpoint: Path, device: torch.device | str) -> dict[str, Any]:
    """Load the full state of training; nothing but tensors, text and numbers is ever unpickled.

    Raises:
        CheckpointError: the file is damaged.
    """
    path = checkpoint / STATE
    try:
        _check_unpacked_size(path)
        state = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # torch.load raises whatever the bytes lead it to
        raise CheckpointError(f"{path}: cannot be read ({reason_of(error)})") from None
    if not isinstance(state, dict):
        raise CheckpointError(f"{path}: cannot be read (it holds no state of training)")
    return state


def _check_unpacked_size(path: Path) -> None:
    """Raise ValueError where a file would unpack to more than it has: torch writes its own without compression."""
    size = check_regular(path)
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > size:
        raise ValueError(f"it claims to unpack to {unpacked} bytes and has {size}")
