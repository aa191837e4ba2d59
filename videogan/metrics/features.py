"""Features of clips by name, each with the protocol that a report must state.

Clips enter as b t c h w float in [-1, 1]; features leave as (b dim) float32 on the CPU.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from videogan.device import pick_device
from videogan.errors import CheckpointError, MissingPathError, UsageError, did_you_mean
from videogan.metrics.feature_net import PRECISIONS, FeatureNet
from videogan.metrics.own_features import OwnFeatures
from videogan.metrics.published import I3D, I3D_WITHOUT_NETWORK, find, git_blob_hash, open_torchscript
from videogan.models.efficientnet import NAMES, load_efficientnet, normalised

FEATURES: tuple[str, ...] = (
    "own",
    *NAMES,
    "pixels-16",
    "i3d",
    "i3d-cd-fvd",
    "kinetics-r3d18",
    "videomae",
)
I3D_PROTOCOLS: Mapping[str, Mapping[str, str]] = {
    "i3d": {"frechet": "FVD (stylegan-v)", "ddof": "0", "resize": "inside the network"},
    "i3d-cd-fvd": {
        "frechet": "FVD (cd-fvd preprocessing)",
        "ddof": "1",
        "resize": "224x224 bilinear, aspect ratio not kept",
    },
}
"""Two protocols under which FVD is published. Their figures on the same clips differ: never compare across."""

FRAMES_AT_ONCE = {"cpu": 4}
"""Frames that go through a 2D network together: so few stay in a CPU's caches, which is several times faster."""


def load_features(
    name: str,
    *,
    path: Path | None = None,
    device: torch.device | str | None = None,
    precision: str = "float32",
    fetch: bool = False,
    trust: bool = False,
) -> FeatureNet | OwnFeatures:
    """Return the features called ``name``; ``path`` is the file with weights where they do not come from a package.

    ``own`` are learnt on the real clips of the evaluation that they are given to.

    They are computed on ``device``, by default the GPU if there is one. ``fetch`` brings the I3D file over the network
    where it is neither given nor in the cache folder; ``trust`` opens a TorchScript file that is none of the published
    ones.

    Raises:
        UsageError: there are no such features, or their weights are missing or not trusted.
        CheckpointError: a file is not what it should be.
    """
    if name not in FEATURES:
        raise UsageError(f"no features are called {name!r}{did_you_mean(name, FEATURES)}; known: {', '.join(FEATURES)}")
    if precision not in PRECISIONS:
        raise UsageError(f"precision {precision!r} is not one of {', '.join(PRECISIONS)}")
    if path is not None and not path.is_file():
        raise MissingPathError(f"{path}: no such file with weights for {name}")
    device = pick_device() if device is None else torch.device(device)
    if name == "own":
        return OwnFeatures(device, precision)
    if name in NAMES:
        return _efficientnet(name, device, precision)
    if name == "pixels-16":
        return FeatureNet(
            name,
            2 * 3 * 256,
            _pixels,
            weights="none",
            resize="16x16 area",
            device=device,
            precision=precision,
            parts={"content": slice(3 * 256), "motion": slice(3 * 256, None)},
        )
    if name == "kinetics-r3d18":
        return _r3d18(path, device, precision)
    if name in I3D_PROTOCOLS:
        return load_i3d(path or find(I3D, fetch=fetch), device, precision, name=name)
    if path is None:
        raise UsageError(
            f"{name} needs its TorchScript file (its weights are in no package); name it by --features-file"
        )
    # It maps (b c t h w) of 224 pixels, normalised as on ImageNet, to (b 768).
    network = open_torchscript(path, device, trust=trust)
    return _normalised("videomae", 768, network, path, 224, device, precision)


def frames_and_differences(frames: Tensor) -> Tensor:
    """Features of frames (b t d) to features of clips (b 2d): the mean, and the mean absolute difference in time."""
    change = frames.diff(dim=1).abs().mean(dim=1) if frames.shape[1] > 1 else torch.zeros_like(frames[:, 0])
    return torch.cat((frames.mean(dim=1), change), dim=1)


def load_i3d(
    path: Path,
    device: torch.device,
    precision: str = "float32",
    *,
    name: str = "i3d",
    published: str = I3D.hash,
) -> FeatureNet:
    """Return the 400 outputs of the published I3D file under the protocol ``name`` of ``I3D_PROTOCOLS``.

    Raises CheckpointError for a file whose git hash is not ``published``: a number from it could not be called FVD.
    """
    weights = git_blob_hash(path)
    if weights == I3D_WITHOUT_NETWORK:
        raise CheckpointError(f"{path}: holds weights without their network; give {I3D.name}")
    if weights != published:
        raise CheckpointError(f"{path}: git hash {weights} is no published I3D file; give {I3D.name} ({published[:8]})")
    network = open_torchscript(path, device, trust=True)  # by its hash

    def compute(clips: Tensor) -> Tensor:
        if name == "i3d":
            pixels = (clips.clamp(-1, 1) * 127.5 + 127.5).round().to(torch.uint8)
            ordered = rearrange(pixels, "b t c h w -> b c t h w")
            return network(ordered, rescale=True, resize=True, return_features=True)
        resized = rearrange(_resize(clips, 224, antialias=False), "b t c h w -> b c t h w")
        return network(resized, rescale=False, resize=False, return_features=True)

    stated = I3D_PROTOCOLS[name]
    return FeatureNet(
        name,
        400,
        compute,
        weights=weights,
        resize=stated["resize"],
        device=device,
        precision=precision,
        protocol=stated,
    )


def _resize(clips: Tensor, size: int, mode: str = "bilinear", *, antialias: bool = True) -> Tensor:
    batch = clips.shape[0]
    frames = rearrange(clips, "b t c h w -> (b t) c h w")
    smooth: dict[str, Any] = {} if mode == "area" else {"align_corners": False, "antialias": antialias}
    return rearrange(F.interpolate(frames, (size, size), mode=mode, **smooth), "(b t) c h w -> b t c h w", b=batch)


def _pixels(clips: Tensor) -> Tensor:
    return frames_and_differences(rearrange(_resize(clips, 16, "area"), "b t c h w -> b t (c h w)"))


def _efficientnet(name: str, device: torch.device, precision: str) -> FeatureNet:
    network, file = load_efficientnet(name)
    network.to(device, memory_format=torch.channels_last)
    at_once = FRAMES_AT_ONCE.get(device.type, 64)

    def compute(clips: Tensor) -> Tensor:
        pooled = []
        # A few frames at once: the memory is then the same for any batch.
        for part in rearrange(clips, "b t c h w -> (b t) 1 c h w").split(at_once):
            maps = network.extract_features(normalised(_resize(part, 224)[:, 0]))
            pooled.append(maps.float().mean(dim=(2, 3)))
        return frames_and_differences(rearrange(torch.cat(pooled), "(b t) d -> b t d", b=clips.shape[0]))

    return FeatureNet(
        name,
        2560,
        compute,
        weights=git_blob_hash(file),
        resize="224x224 bilinear with antialiasing",
        device=device,
        precision=precision,
        parts={"content": slice(1280), "motion": slice(1280, None)},
    )


def _r3d18(path: Path | None, device: torch.device, precision: str) -> FeatureNet:
    from torchvision.models.video import R3D_18_Weights, r3d_18

    name = R3D_18_Weights.KINETICS400_V1.url.rsplit("/", 1)[1]
    file = path or Path(torch.hub.get_dir()) / "checkpoints" / name
    if not file.is_file():
        raise UsageError(f"kinetics-r3d18 needs torchvision's weights: no {file}; name {name} by --features-file")
    network = r3d_18()
    try:
        network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    except Exception as error:
        raise CheckpointError(f"{file}: not torchvision's weights for r3d_18; give the path of {name}") from error
    network.fc = torch.nn.Identity()
    network.eval().to(device)
    return _normalised("kinetics-r3d18", 512, network, file, 112, device, precision)


def _normalised(
    name: str, dim: int, network: Any, file: Path, size: int, device: torch.device, precision: str
) -> FeatureNet:
    kinetics = name == "kinetics-r3d18"
    mean = torch.tensor((0.43216, 0.394666, 0.37645) if kinetics else (0.485, 0.456, 0.406), device=device)
    std = torch.tensor((0.22803, 0.22145, 0.216989) if kinetics else (0.229, 0.224, 0.225), device=device)

    def compute(clips: Tensor) -> Tensor:
        scaled = (_resize(clips, size) * 0.5 + 0.5 - mean[:, None, None]) / std[:, None, None]
        return network(rearrange(scaled, "b t c h w -> b c t h w"))

    rule = f"{size}x{size} bilinear with antialiasing"
    weights = git_blob_hash(file)
    return FeatureNet(name, dim, compute, weights=weights, resize=rule, device=device, precision=precision)
