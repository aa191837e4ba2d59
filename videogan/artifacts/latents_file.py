"""Latents on disk: one small safetensors file that says of which model it is, and nothing pickled.

The tensors are those of :class:`ClipLatents`; the metadata hold one JSON text::

    {"format": 1, "model_sha256": "...", "class_name": "circle", "frame_rate": "25", "num_frames": 62}
"""

import json
import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from videogan.errors import CheckpointError, MissingPathError, UsageError
from videogan.models.latents import ClipLatents
from videogan.storage import write_bytes

SUFFIX = ".safetensors"
KEY = "videogan_latents"
FORMAT = 1
TENSORS = ("content", "motion_codes", "history")


@dataclass(frozen=True)
class LatentsFile:
    """Latents, the SHA-256 of the weights file that they belong to, and what was known of the clip."""

    latents: ClipLatents
    model_sha256: str
    class_name: str | None
    frame_rate: Fraction


def check_latents_path(path: Path, *, overwrite: bool) -> None:
    """Raise UsageError unless latents can be written to ``path``, or MissingPathError without its folder."""
    if path.suffix != SUFFIX or path.name == SUFFIX:
        raise UsageError(f"{path}: latents need a name that ends in {SUFFIX}")
    if not path.parent.is_dir():
        raise MissingPathError(f"{path.parent}: no such folder; make it first")
    if os.path.lexists(path):
        if not overwrite:
            raise UsageError(f"{path} exists; use --yes to replace it, or another name")
        if not path.is_file():
            raise UsageError(f"{path} is not a regular file; choose another name")
        if not holds_latents(path):
            raise UsageError(f"{path} holds something else than latents; choose another name")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise UsageError(f"{path.parent}: no permission to write here; choose another folder")


def save_latents(path: Path, file: LatentsFile) -> None:
    """Write latents, whole or not at all.

    Raises:
        UsageError: the disk is full or failed.
    """
    tensors = {name: getattr(file.latents, name).detach().cpu().contiguous() for name in TENSORS}
    description = {
        "format": FORMAT,
        "model_sha256": file.model_sha256,
        "class_name": file.class_name,
        "frame_rate": str(file.frame_rate),
        "num_frames": file.latents.num_frames,
    }
    try:
        write_bytes(path, save(tensors, metadata={KEY: json.dumps(description)}))
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror or error}; nothing was kept") from None


def holds_latents(path: Path) -> bool:
    """Tell whether a file says that it holds latents."""
    try:
        with safe_open(path, framework="pt") as file:
            return KEY in (file.metadata() or {})
    except (OSError, SafetensorError):
        return False


def load_latents(path: Path, class_names: tuple[str, ...] = ()) -> LatentsFile:
    """Read latents of any model; ``class_names`` turn its class into a label.

    Raises:
        MissingPathError: there is no such file.
        CheckpointError: it holds no latents, or damaged ones.
    """
    if not os.path.lexists(path):
        raise MissingPathError(f"{path}: no such latents file")
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(KEY)
            if text is None:
                raise CheckpointError(f"{path}: holds no latents; `videogan reconstruct --latents` writes such files")
            tensors = {name: file.get_tensor(name) for name in TENSORS}
        description = _description(text, path)
        class_name = description["class_name"]
        latents = ClipLatents(
            **tensors,
            num_frames=int(description["num_frames"]),
            label=class_names.index(class_name) if class_name in class_names else None,
        )
        return LatentsFile(latents, str(description["model_sha256"]), class_name, Fraction(description["frame_rate"]))
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: not a readable latents file ({error})") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"{path}: its description is damaged ({error})") from None


def load_for_model(path: Path, class_names: tuple[str, ...], model_sha256: str, model: Path) -> LatentsFile:
    """Read latents of the model with this SHA-256.

    Raises:
        MissingPathError: there is no such file.
        CheckpointError: it holds no latents, damaged ones, or another model's.
    """
    file = load_latents(path, class_names)
    if file.model_sha256 != model_sha256:
        raise CheckpointError(
            f"{path}: latents of another model (sha256 {file.model_sha256[:12]}) than {model} ({model_sha256[:12]}); "
            "name theirs by --run, or make them anew by `videogan reconstruct --latents`"
        )
    return file


def _description(text: str, path: Path) -> dict[str, Any]:
    description = json.loads(text)
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise CheckpointError(f"{path}: latents of a format that this version of videogan cannot read")
    return description
