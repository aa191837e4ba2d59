"""Weights files: the networks that make videos in one safetensors file, described by its metadata.

EMA generator and encoder in float32 (or, for sharing, matrices in float16), and the discriminators too where others are
to train on. The file can be shared by itself.
"""

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from torch import Tensor, nn

from videogan.artifacts.tensor_file import TensorType, pack, read_metadata, read_tensors, tensors_sha256
from videogan.config import Config
from videogan.errors import CheckpointError, UsageError, reason_of
from videogan.files import parse_json, sync
from videogan.models.build import build_discriminators, build_encoder, build_generator, shapes_only
from videogan.models.encoder import Encoder
from videogan.models.generator import Generator
from videogan.presets import validate

FORMAT = "1"
MAX_TEXT = 2**22
"""Characters of a description that is parsed."""
MAX_FRAME_RATE = 10_000

NetworkTensors = Mapping[str, Mapping[str, Tensor]]
"""The tensors of some networks, by the name of the network."""


@dataclass(frozen=True)
class Card:
    """What a weights file says about itself.

    ``config`` describes the networks, ``class_names`` are in the order of their labels (empty if unlabelled),
    ``frame_rate`` is that of the training clips, ``step`` and ``clips_seen`` tell how far training had come,
    ``for_training`` whether the discriminators are in the file.
    """

    config: Config
    class_names: tuple[str, ...]
    frame_rate: Fraction
    step: int
    clips_seen: int
    for_training: bool = False

    def to_metadata(self) -> dict[str, str]:
        """Return the card as the flat text table that safetensors can hold."""
        return {
            "format": FORMAT,
            "config": self.config.model_dump_json(),
            "class_names": json.dumps(self.class_names),
            "frame_rate": str(self.frame_rate),
            "step": str(self.step),
            "clips_seen": str(self.clips_seen),
            **({"for_training": "true"} if self.for_training else {}),
        }

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], path: Path) -> "Card":
        """Read a card; raises CheckpointError if the metadata are not videogan's or of another format."""
        if metadata.get("format") != FORMAT:
            raise CheckpointError(f"{path}: not weights that this version of videogan can read")
        try:
            if sum(map(len, metadata.values())) > MAX_TEXT:
                raise ValueError(f"longer than {MAX_TEXT} characters")
            about = _Description.model_validate(
                {**metadata, **{name: parse_json(metadata[name]) for name in ("config", "class_names")}}
            )
            return cls(
                validate(about.config),
                about.class_names,
                Fraction(about.frame_rate),
                about.step,
                about.clips_seen,
                about.for_training,
            )
        except KeyError as error:
            raise CheckpointError(f"{path}: its description is damaged (without {error})") from None
        except ValidationError as error:
            first = error.errors()[0]
            reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
            raise CheckpointError(f"{path}: its description is damaged ({reason})") from None
        except (ValueError, UsageError) as error:
            reason = f"is damaged, or of a later version of videogan ({str(error)[:500]})"
            raise CheckpointError(f"{path}: its description {reason}") from None


def _unique(names: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(unicodedata.normalize("NFC", name) for name in names)
    if len(set(names)) < len(names):
        raise ValueError("a name stands twice")
    return names


def _rate(text: str) -> str:
    if not 0 < Fraction(text) < MAX_FRAME_RATE:
        raise ValueError(f"must be above 0 and below {MAX_FRAME_RATE}")
    return text


class _Description(BaseModel):
    """The metadata of a weights file, from anywhere, within bounds."""

    model_config = ConfigDict(frozen=True)

    config: dict[str, Any]
    class_names: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], AfterValidator(_unique)]
    frame_rate: Annotated[str, Field(pattern=r"^\d{1,9}(/[1-9]\d{0,8}|\.\d{1,9})?$"), AfterValidator(_rate)]
    step: Annotated[int, Field(ge=0, lt=2**63)]
    clips_seen: Annotated[int, Field(ge=0, lt=2**63)]
    for_training: bool = False


@dataclass(frozen=True)
class Weights:
    """Networks that are ready to make videos, with their card."""

    generator: Generator
    encoder: Encoder
    card: Card

    @property
    def sha256(self) -> str:
        """What the model is known by: a hash of the networks' tensors, in whatever file and order they stand."""
        return networks_sha256(_tensors(self.generator, self.encoder))


def networks_sha256(tensors: Mapping[str, Tensor]) -> str:
    """Return the hash of a weights file's tensors, half precision taken as the float32 that it is computed in."""
    return tensors_sha256(
        {name: value.float() if value.dtype == torch.float16 else value for name, value in tensors.items()}
    )


def save_weights(path: Path, generator: Generator, encoder: Encoder, card: Card) -> None:
    """Write one safetensors file and sync it to disk."""
    path.write_bytes(pack(_tensors(generator, encoder), card.to_metadata()))
    sync(path)


def pack_weights(weights: Weights, *, half: bool, discriminators: NetworkTensors | None = None) -> bytes:
    """Return the bytes of a weights file for sharing; ``half`` stores matrices and kernels in float16.

    Networks that are loaded from it compute in float32 all the same. Biases and decay rates stay exact: they are few,
    and a decay near 1 would lose much. With the tensors of all ``discriminators`` others can train on.
    """
    tensors = _tensors(weights.generator, weights.encoder) | _flat(discriminators or {})
    if half:
        tensors = {name: tensor.half() if tensor.ndim > 1 else tensor for name, tensor in tensors.items()}
    return pack(tensors, replace(weights.card, for_training=discriminators is not None).to_metadata())


def _tensors(generator: nn.Module, encoder: nn.Module) -> dict[str, Tensor]:
    return _flat({"generator": generator.state_dict(), "encoder": encoder.state_dict()})


def _flat(networks: NetworkTensors) -> dict[str, Tensor]:
    return {f"{network}.{name}": value for network, tensors in networks.items() for name, value in tensors.items()}


def split_networks(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Return the tensors of a weights file by network: ``generator``, ``encoder``, perhaps ``frame_discriminator``."""
    networks: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        network, _, own = name.partition(".")
        networks.setdefault(network, {})[own] = tensor
    return networks


def read_card(path: Path) -> Card:
    """Read the description of a weights file without its weights.

    Raises:
        CheckpointError: the file is not a readable safetensors file of videogan's.
    """
    try:
        return Card.from_metadata(read_metadata(path), path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: not a readable weights file ({reason_of(error)})") from None


def read_weights(path: Path) -> tuple[Card, dict[str, Tensor]]:
    """Read a weights file and check that its tensors are those that its description asks for.

    Raises:
        CheckpointError: the file is damaged; the tensor that is wrong is named.
    """
    card = read_card(path)
    try:
        with shapes_only():  # the file may describe networks of any size
            num_classes = len(card.class_names)
            networks = _tensors(build_generator(card.config, num_classes), build_encoder(card.config))
            if card.for_training:
                networks |= _flat(
                    {
                        f"{name}_discriminator": network.state_dict()
                        for name, network in build_discriminators(card.config, num_classes).items()
                    }
                )
        types = {name: _stored_type(tensor) for name, tensor in networks.items()}
        return card, read_tensors(path, types)
    except (OSError, SafetensorError, ValueError, TypeError, RuntimeError, IndexError) as error:
        of_colour = "; videogan's models see and draw frames in RGB" if "_rgb." in str(error) else ""
        raise CheckpointError(f"{path}: its weights cannot be used ({reason_of(error)}{of_colour})") from None


def load_weights(path: Path, device: torch.device | str = "cpu") -> Weights:
    """Load a weights file onto a device, ready for inference.

    Raises:
        CheckpointError: the file is damaged, or its weights do not fit its description.
    """
    card, tensors = read_weights(path)
    generator, encoder = build_generator(card.config, len(card.class_names)), build_encoder(card.config)
    own = split_networks(tensors)
    for name, network in (("generator", generator), ("encoder", encoder)):
        network.load_state_dict(own[name])
        network.to(device).eval().requires_grad_(False)
    return Weights(generator, encoder, card)


def _stored_type(tensor: Tensor) -> TensorType:
    dtypes = (tensor.dtype, torch.float16) if tensor.ndim > 1 else (tensor.dtype,)
    return TensorType(dtypes, tuple(tensor.shape))
