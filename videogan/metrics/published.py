"""Files with the weights of published networks: named by their hash, found, fetched and opened."""

import hashlib
import os
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from videogan.errors import CheckpointError, UsageError, reason_of
from videogan.files import cache_root, check_regular, sync

_BLOCK = 1 << 20
_LARGEST = 1 << 28
_LARGEST_NETWORK = 1 << 33
_SECONDS = 30


@dataclass(frozen=True)
class Published:
    """A published file: its usual name, the SHA-1 that git gives to its content, and the addresses of copies."""

    name: str
    hash: str
    addresses: tuple[str, ...]


I3D = Published(
    "i3d_torchscript.pt",
    "93daef59c7ae0e9e8f76225521407e60cbafa6aa",
    (
        "https://www.dropbox.com/s/ge9e5ujwgetktms/i3d_torchscript.pt?dl=1",
        "https://huggingface.co/flateon/FVD-I3D-torchscript/resolve/main/i3d_torchscript.pt",
    ),
)
I3D_WITHOUT_NETWORK = "a867b87ac3a9097d200598b1d48a1b890d8ec744"
"""i3d_pretrained_400.pt: the same network's weights, but not the network."""


def git_blob_hash(path: Path) -> str:
    """Return the SHA-1 that git gives to the content of a file, which is how published weights are named here.

    Raises:
        UsageError: it is no regular file, or larger than any network here.
    """
    try:
        size = check_regular(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({reason_of(error)})") from None
    if size > _LARGEST_NETWORK:
        raise UsageError(f"{path}: {size >> 30} GiB are more than any network here has; name another file")
    digest = hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        while part := file.read(_BLOCK):
            digest.update(part)
    return digest.hexdigest()


def find(published: Published, *, fetch: bool, cache_dir: str | os.PathLike[str] | None = None) -> Path:
    """Return where a published file lies in the cache folder; with ``fetch`` it is first brought there if need be.

    Raises:
        UsageError: it is not there, or no address has it; the message names the addresses.
    """
    file = cache_root(cache_dir) / "weights" / published.name
    if file.is_file() and git_blob_hash(file) == published.hash:
        return file
    if not fetch:
        raise UsageError(
            f"{published.name} is not in {file.parent}; name yours by --features-file, or let --fetch bring it from "
            f"{published.addresses[0]}"
        )
    reasons = []
    for address in published.addresses:
        if not (reason := _fetch(address, published.hash, file)):
            return file
        reasons.append(reason)
    raise UsageError(
        f"{published.name} cannot be fetched ({'; '.join(reasons)}); bring it from another machine and name it by "
        "--features-file"
    )


def open_torchscript(path: Path, device: torch.device | str, *, trust: bool) -> Any:
    """Return a TorchScript network in evaluation mode.

    Such a file is a program, and what it does is not looked at: it can overwrite files. So it is opened only where its
    hash is that of a published file, or where the caller trusts it.

    Raises:
        UsageError: the file is not a published one, and not trusted.
        CheckpointError: it is not TorchScript.
    """
    digest = git_blob_hash(path)
    if not trust and digest != I3D.hash:
        raise UsageError(
            f"{path}: TorchScript is a program that can do whatever you can, and its git hash {digest[:8]} is that of "
            "no file published for this; if you trust where it comes from, say so by --trust"
        )
    try:
        return torch.jit.load(str(path), map_location=device).eval()
    except (RuntimeError, ValueError) as error:
        raise CheckpointError(f"{path}: not a TorchScript file; give the network as TorchScript") from error


def _fetch(address: str, git_hash: str, file: Path) -> str:
    """Bring one file into its place if it has this hash; returns the reason why not, else nothing."""
    host = urllib.parse.urlsplit(address).netloc or address
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(address, timeout=_SECONDS) as answer, part.open("wb") as out:
            while (block := answer.read(_BLOCK)) and out.tell() < _LARGEST:
                out.write(block)
        digest = git_blob_hash(part)
        if digest != git_hash:
            return f"{host} gave another file, of git hash {digest[:8]}"
        sync(part)
        part.replace(file)
    except (OSError, ValueError) as error:
        return f"{host}: {getattr(error, 'reason', None) or getattr(error, 'strerror', None) or error}"
    finally:
        part.unlink(missing_ok=True)
    return ""
