"""Latents on disk: one small safetensors file that says of which model it is, and nothing pickled.

The tensors are those of :class:`ClipLatents`; the metadata hold one JSON text::

    {"format": 1, "model_sha256": "...", "class_name": "circle", "frame_rate": "25", "num_frames": 62}
"""

import json
import os
import unicodedata
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from safetensors import SafetensorError

from videogan.artifacts.tensor_file import TensorType, pack, read_metadata, read_tensors
from videogan.errors import CheckpointError, MissingPathError, UsageError
from videogan.files import check_destination, parse_json, write_bytes
from videogan.models.latents import ClipLatents
from videogan.video import as_frame_rate

SUFFIX = ".safetensors"
KEY = "videogan_latents"
FORMAT = 1
MAX_TEXT = 2**16
"""Characters of a description that is parsed."""
TENSORS = ("content", "motion_codes", "history")


@dataclass(frozen=True)
class LatentsFile:
    """Latents, the hash of the model that they belong to, and what was known of the clip."""

    latents: ClipLatents
    model_sha256: str
    class_name: str | None
    frame_rate: Fraction


def check_latents_path(path: Path, *, overwrite: bool) -> None:
    """Raise UsageError unless latents can be written to ``path``, or MissingPathError without its folder."""
    if path.suffix != SUFFIX or path.name == SUFFIX:
        raise UsageError(f"{path}: latents need a name that ends in {SUFFIX}")
    check_destination(path, overwrite=overwrite)
    if os.path.lexists(path) and not holds_latents(path):
        raise UsageError(f"{path} holds something else than latents; choose another name")


def save_latents(path: Path, file: LatentsFile) -> None:
    """Write latents, whole or not at all.

    Raises:
        UsageError: the disk is full or failed.
    """
    tensors = {name: getattr(file.latents, name) for name in TENSORS}
    description = {
        "format": FORMAT,
        "model_sha256": file.model_sha256,
        "class_name": file.class_name,
        "frame_rate": str(file.frame_rate),
        "num_frames": file.latents.num_frames,
    }
    try:
        write_bytes(path, pack(tensors, {KEY: json.dumps(description)}))
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror or error}; nothing was kept") from None


def holds_latents(path: Path) -> bool:
    """Tell whether a file says that it holds latents."""
    try:
        return KEY in read_metadata(path)
    except (OSError, SafetensorError):
        return False


class Description(BaseModel):
    """What a latents file says of its tensors; files come from anywhere, so it is bounded."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    model_sha256: Annotated[str, Field(max_length=64)]
    class_name: Annotated[str, Field(max_length=1000)] | None
    frame_rate: Annotated[str, Field(pattern=r"^\d{1,9}(/[1-9]\d{0,8}|\.\d{1,9})?$")]
    num_frames: Annotated[int, Field(ge=1, le=10**9)]


def load_latents(path: Path, class_names: tuple[str, ...] = ()) -> LatentsFile:
    """Read latents of any model; ``class_names`` turn its class into a label.

    Raises:
        MissingPathError: there is no such file.
        CheckpointError: it holds no latents, or damaged ones.
    """
    if not os.path.lexists(path):
        raise MissingPathError(f"{path}: no such latents file")
    try:
        text = read_metadata(path).get(KEY)
        if text is None:
            raise CheckpointError(f"{path}: holds no latents; `videogan reconstruct --latents` writes such files")
        about = _description(text, path)
        tensors = read_tensors(path, dict.fromkeys(TENSORS, TensorType()))
        if any(tensor.ndim == 0 or len(tensor) != 1 for tensor in tensors.values()):
            raise ValueError("its tensors are not of one clip")
        name = None if about.class_name is None else unicodedata.normalize("NFC", about.class_name)
        label = class_names.index(name) if name in class_names else None
        latents = ClipLatents(**tensors, num_frames=about.num_frames, label=label)
        return LatentsFile(latents, about.model_sha256, about.class_name, as_frame_rate(Fraction(about.frame_rate)))
    except CheckpointError:
        raise
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: not a readable latents file ({error})") from None
    except (TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{path}: its description is damaged ({reason})") from None


def load_for_model(
    path: Path, class_names: tuple[str, ...], model_sha256: str, model: Path, file_sha256: str = ""
) -> LatentsFile:
    """Read latents of the model with this hash, or of earlier versions of videogan with that of its file.

    Raises:
        MissingPathError: there is no such file.
        CheckpointError: it holds no latents, damaged ones, or another model's.
    """
    file = load_latents(path, class_names)
    if file.model_sha256 not in (model_sha256, file_sha256):
        raise CheckpointError(
            f"{path}: latents of another model (sha256 {file.model_sha256[:12]}) than {model} ({model_sha256[:12]}); "
            "name theirs by --run, or make them anew by `videogan reconstruct --latents`"
        )
    return file


def _description(text: str, path: Path) -> Description:
    if len(text) > MAX_TEXT:
        raise CheckpointError(f"{path}: its description is damaged (longer than {MAX_TEXT} characters)")
    description = parse_json(text)
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise CheckpointError(f"{path}: latents of a format that this version of videogan cannot read")
    return Description.model_validate(description)
