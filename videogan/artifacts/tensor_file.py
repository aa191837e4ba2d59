"""Tensors and text in one safetensors file that can tell whether it is what was written."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from videogan.files import open_regular

HASH = "tensors_sha256"
"""Key of the metadata that holds :func:`tensors_sha256`."""


def tensors_sha256(tensors: Mapping[str, Tensor]) -> str:
    """Return a SHA-256 of the names, types, shapes and bytes of tensors, in whatever order and file they stand."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def pack(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """Return the bytes of a safetensors file, the hash of its tensors among its metadata."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    return save(plain, metadata={**metadata, HASH: tensors_sha256(plain)})


def read_metadata(path: Path) -> dict[str, str]:
    """Return the text of a safetensors file.

    Raises:
        OSError: it is no regular file, or may not be read.
        SafetensorError: it is no safetensors file.
    """
    with _open(path) as file:
        return file.metadata() or {}


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    # By its descriptor: the library opens pipes, and no name that is not UTF-8.
    with open_regular(path) as descriptor, safe_open(f"/dev/fd/{descriptor}", framework="pt") as file:
        yield file


class TensorType(NamedTuple):
    """What a stored tensor may be; without a shape, of any."""

    dtypes: tuple[torch.dtype, ...] = (torch.float32,)
    shape: tuple[int, ...] | None = None


def read_tensors(path: Path, expected: Mapping[str, TensorType]) -> dict[str, Tensor]:
    """Return tensors of certain names, shapes and types; files from before the hash are read without it.

    Raises:
        OSError, SafetensorError: as :func:`read_metadata`.
        ValueError: a tensor is missing, too many, of another shape or type, or not finite, or the file was changed.
    """
    with _open(path) as file:
        for name in expected.keys() ^ set(file.keys()):
            raise ValueError(f"{name} is missing" if name in expected else f"{name} does not belong in it")
        # Every shape before any content: a file may claim tensors of any size.
        for name, kind in expected.items():
            shape = tuple(file.get_slice(name).get_shape())
            if kind.shape not in (None, shape):
                raise ValueError(f"{name} has the shape {shape}, not {kind.shape}")
        tensors = {name: file.get_tensor(name) for name in expected}
        sha256 = (file.metadata() or {}).get(HASH)
    for name, tensor in tensors.items():
        if tensor.dtype not in expected[name].dtypes:
            raise ValueError(f"{name} is {tensor.dtype}, not {' or '.join(map(str, expected[name].dtypes))}")
        if not tensor.isfinite().all():
            raise ValueError(f"{name} holds values that are not finite")
    if sha256 not in (None, tensors_sha256(tensors)):
        raise ValueError("its tensors are not those that were written")
    return tensors
