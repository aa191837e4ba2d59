"""Weights files: the networks that make videos in one safetensors file, described by its metadata.

EMA generator and encoder in float32 (or, for sharing, matrices in float16). The file can be shared by itself.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

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
