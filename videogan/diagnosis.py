"""What this machine has of what videogan needs, each with the fix where it lacks something."""

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import torch
import torch.nn.functional as F

from videogan.artifacts.runs import SHIPPED
from videogan.artifacts.weights import load_weights
from videogan.device import describe, pick_device, pick_precision, pick_threads
from videogan.errors import VideoganError, reason_of
from videogan.files import cache_root
from videogan.generation.sampling import stream, take

ENCODERS = {"libx264": ".mp4", "libvpx-vp9": ".webm", "gif": ".gif", "libwebp_anim": ".webp", "png": ".png"}
EXTRAS = {"export": "onnxscript"}
ROOM = 1.0
"""Gigabytes of free disk that a small run and its clips need."""


class Finding(NamedTuple):
    """One thing that was looked at: whether it is in order, what it is, and what to do where it is not."""

    name: str
    ok: bool
    what: str
    fix: str = ""


def doctor() -> list[Finding]:
    """Look at Python, torch and its 3D convolutions, the device, encoders, disk, the model that comes along, extras."""
    return list(_findings())


def _findings() -> Iterator[Finding]:
    yield Finding("python", sys.version_info >= (3, 11), platform.python_version(), "install Python 3.11 or newer")
    device = pick_device()
    yield Finding("torch", True, f"{torch.__version__}, on {describe(device)}")
    precision, why = pick_precision(device)
    yield _convolutions(device, torch.bfloat16 if precision == "bfloat16" else torch.float32)
    yield Finding("precision", True, f"{precision}, because {why}")
    if device.type == "cpu":
        threads, why = pick_threads()
        yield Finding("threads", True, f"{threads}, because {why}")
    for codec, suffix in ENCODERS.items():
        yield _tried(f"{suffix} files", f"{codec} of FFmpeg {av.ffmpeg_version_info}", partial(av.Codec, codec, "w"))
    for name, folder in (("disk for runs", Path.cwd()), ("disk for the clip cache", cache_root(None))):
        yield _disk(name, folder)
    yield _tried("the model that comes along", SHIPPED.name, _make_a_video)
    for extra, module in EXTRAS.items():
        there = find_spec(module) is not None
        yield Finding(
            f"extra {extra}", True, "installed" if there else f"not installed: pip install 'videogan[{extra}]'"
        )


def _convolutions(device: torch.device, dtype: torch.dtype) -> Finding:
    """Hold a 3D convolution and its gradients against float64: some versions of its libraries were wrong."""
    generator = torch.Generator().manual_seed(0)
    clips, weight = (torch.randn(shape, generator=generator) for shape in ((2, 8, 2, 6, 6), (8, 8, 3, 3, 3)))
    errors = []
    for pair in ([clips.double(), weight.double()], [clips.to(device, dtype), weight.to(device, dtype)]):
        x, w = (tensor.requires_grad_() for tensor in pair)
        # Padded beforehand, as the networks do.
        out = F.conv3d(F.pad(x, (0, 0, 0, 0, 1, 1)), w, padding=(0, 1, 1))
        out.square().sum().backward()
        errors.append([tensor.detach().double().cpu() for tensor in (out, x.grad, w.grad) if tensor is not None])
    error = max(float((a - b).abs().max() / a.abs().max()) for a, b in zip(*errors, strict=True))
    fix = "another version of torch; --set train.precision=float32 meanwhile"
    what = f"error {error:.1g} in {str(dtype).removeprefix('torch.')}"
    return Finding("3D convolutions", error < (0.05 if dtype == torch.bfloat16 else 1e-3), what, fix)


def _make_a_video() -> None:
    generator = load_weights(SHIPPED).generator
    labels = torch.zeros(1, dtype=torch.long) if generator.num_classes else None
    frames = torch.cat(list(take(stream(generator, [0], labels), 8)), dim=1)
    if not np.ptp(frames.numpy()) > 0.1:
        raise ValueError("its frames are blank")


def _tried(name: str, what: str, attempt: Callable[[], object]) -> Finding:
    try:
        attempt()
    except (VideoganError, OSError, ValueError, RuntimeError) as error:
        return Finding(name, False, reason_of(error), "pip install --force-reinstall videogan av")
    return Finding(name, True, what)


def _disk(name: str, folder: Path) -> Finding:
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK | os.X_OK):
        return Finding(name, False, f"{folder} may not be written", "work in another folder, or --set data.cache_dir")
    free = shutil.disk_usage(folder).free / 1e9
    return Finding(name, free > ROOM, f"{free:.1f} GB free in {folder}", f"make room: {ROOM:.0f} GB at least")
