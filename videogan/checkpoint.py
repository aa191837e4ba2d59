"""Checkpoints: tensors and JSON, never a pickled object.

A checkpoint is a folder ``step-00012000`` with three files::

    generator.safetensors   the weights that make videos (EMA generator and encoder); the metadata describe them,
                            so that this file can be shared by itself
    state.pt                the full state of training: tensors, text and whole numbers only
    meta.json               sizes and SHA-256 of both, written last

It is written under another name, synced to disk and renamed, so that a checkpoint which exists is whole.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save, save_file
from torch import Tensor

from videogan.config import Config
from videogan.errors import CheckpointError, UsageError
from videogan.files import sync
from videogan.models.build import build_encoder, build_generator
from videogan.models.encoder import Encoder
from videogan.models.generator import Generator
from videogan.presets import validate

WEIGHTS = "generator.safetensors"
STATE = "state.pt"
META = "meta.json"
FORMAT = "1"


@dataclass(frozen=True)
class Card:
    """What a weights file says about itself.

    ``config`` describes the networks, ``class_names`` are in the order of their labels (empty if unlabelled),
    ``frame_rate`` is that of the training clips, ``step`` and ``clips_seen`` tell how far training had come.
    """

    config: Config
    class_names: tuple[str, ...]
    frame_rate: Fraction
    step: int
    clips_seen: int

    def to_metadata(self) -> dict[str, str]:
        """Return the card as the flat text table that safetensors can hold."""
        return {
            "format": FORMAT,
            "config": self.config.model_dump_json(),
            "class_names": json.dumps(self.class_names),
            "frame_rate": str(self.frame_rate),
            "step": str(self.step),
            "clips_seen": str(self.clips_seen),
        }

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], path: Path) -> "Card":
        """Read a card; raises CheckpointError if the metadata are not videogan's or of another format."""
        if metadata.get("format") != FORMAT:
            raise CheckpointError(f"{path}: not weights that this version of videogan can read")
        try:
            return cls(
                config=validate(json.loads(metadata["config"])),
                class_names=tuple(json.loads(metadata["class_names"])),
                frame_rate=Fraction(metadata["frame_rate"]),
                step=int(metadata["step"]),
                clips_seen=int(metadata["clips_seen"]),
            )
        except (KeyError, ValueError, UsageError) as error:
            raise CheckpointError(f"{path}: its description is damaged ({error})") from None


@dataclass(frozen=True)
class Weights:
    """Networks that are ready to make videos, with their card."""

    generator: Generator
    encoder: Encoder
    card: Card


def save_weights(path: Path, generator: Generator, encoder: Encoder, card: Card) -> None:
    """Write one safetensors file and sync it to disk."""
    save_file(_tensors(generator, encoder), path, metadata=card.to_metadata())
    sync(path)


def pack_weights(weights: Weights, *, half: bool) -> bytes:
    """Return the bytes of a weights file for sharing; ``half`` stores matrices and kernels in float16.

    Networks that are loaded from it compute in float32 all the same. Biases and decay rates stay exact: they are few,
    and a decay near 1 would lose much.
    """
    tensors = _tensors(weights.generator, weights.encoder)
    if half:
        tensors = {name: tensor.half() if tensor.ndim > 1 else tensor for name, tensor in tensors.items()}
    return save(tensors, metadata=weights.card.to_metadata())


def _tensors(generator: Generator, encoder: Encoder) -> dict[str, Tensor]:
    networks = {"generator": generator, "encoder": encoder}
    return {
        f"{prefix}.{name}": tensor.contiguous()
        for prefix, network in networks.items()
        for name, tensor in network.state_dict().items()
    }


def read_card(path: Path) -> Card:
    """Read the description of a weights file without its weights.

    Raises:
        CheckpointError: the file is not a readable safetensors file of videogan's.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return Card.from_metadata(file.metadata() or {}, path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: not a readable weights file ({error})") from None


def load_weights(path: Path, device: torch.device | str = "cpu") -> Weights:
    """Load a weights file onto a device, ready for inference.

    Raises:
        CheckpointError: the file is damaged, or its weights do not fit its description.
    """
    card = read_card(path)
    generator, encoder = build_generator(card.config, len(card.class_names)), build_encoder(card.config)
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (a handle, not a dict)
        for name, network in (("generator.", generator), ("encoder.", encoder)):
            own = {key.removeprefix(name): value for key, value in tensors.items() if key.startswith(name)}
            network.load_state_dict(own)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise CheckpointError(f"{path}: its weights cannot be used ({str(error).splitlines()[0]})") from None
    for network in (generator, encoder):
        network.to(device).eval().requires_grad_(False)
    return Weights(generator, encoder, card)


def save_checkpoint(
    folder: Path, weights: Weights, state: Mapping[str, Any], *, keep: int, best: int | None = None
) -> Path:
    """Write ``folder/step-NNNNNNNN`` from weights and a state of tensors, text and whole numbers.

    Older checkpoints beyond the newest ``keep`` are removed once the new one is whole; that of step ``best`` stays.

    Raises:
        UsageError: the folder cannot be written (no permission, no space).
    """
    final = folder / f"step-{weights.card.step:08d}"
    part = folder / f".{final.name}.part"
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        save_weights(part / WEIGHTS, weights.generator, weights.encoder, weights.card)
        torch.save(dict(state), part / STATE)
        sync(part / STATE)
        files = {name: asdict(fingerprint(part / name)) for name in (WEIGHTS, STATE)}
        (part / META).write_text(json.dumps({"step": weights.card.step, "files": files}, indent=2) + "\n")
        sync(part / META)
        if final.exists():
            shutil.rmtree(final)
        part.rename(final)
        sync(folder)
    except (OSError, RuntimeError, SafetensorError) as error:
        shutil.rmtree(part, ignore_errors=True)
        raise UsageError(f"{folder}: a checkpoint cannot be written ({str(error).splitlines()[0]})") from None
    for old in list_checkpoints(folder)[:-keep]:
        if best is None or old.name != f"step-{best:08d}":
            shutil.rmtree(old)
    return final


def list_checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints in a folder, oldest first; whether they are whole is not checked."""
    return sorted(path for path in folder.glob("step-*") if path.is_dir())


def newest_checkpoint(folder: Path) -> Path | None:
    """Return the newest checkpoint whose files are those that were written, or None."""
    return next((path for path in reversed(list_checkpoints(folder)) if verify(path)), None)


def verify(checkpoint: Path) -> bool:
    """Tell whether both files of a checkpoint have the size and the SHA-256 that its meta.json names."""
    try:
        files = json.loads((checkpoint / META).read_text())["files"]
        return set(files) == {WEIGHTS, STATE} and all(
            Fingerprint(**files[name]) == fingerprint(checkpoint / name) for name in files
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def load_state(checkpoint: Path, device: torch.device | str) -> dict[str, Any]:
    """Load the full state of training; nothing but tensors, text and numbers is ever unpickled.

    Raises:
        CheckpointError: the file is damaged.
    """
    try:
        state: dict[str, Any] = torch.load(checkpoint / STATE, map_location=device, weights_only=True)
    except Exception as error:  # torch.load raises whatever the bytes lead it to
        raise CheckpointError(f"{checkpoint / STATE}: cannot be read ({str(error).splitlines()[0]})") from None
    return state


@dataclass(frozen=True)
class Fingerprint:
    """Size in bytes and SHA-256 of a file."""

    size: int
    sha256: str


def fingerprint(path: Path) -> Fingerprint:
    """Return the size and SHA-256 of a file."""
    with path.open("rb") as file:
        return Fingerprint(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())
