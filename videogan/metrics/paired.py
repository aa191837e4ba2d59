"""How near a clip is to the very clip it should be. Clips are (b t c h w) float in [-1, 1], frame by frame."""

from pathlib import Path

import torch
from einops import rearrange
from torch import Tensor

from videogan.errors import CheckpointError, DataError, MissingPathError


def psnr(a: Tensor, b: Tensor) -> float:
    """Return the peak signal-to-noise ratio in dB, the mean over frames (infinite for equal frames)."""
    from torchmetrics.functional.image import peak_signal_noise_ratio

    x, y = _frames(a, b)
    found = peak_signal_noise_ratio(x, y, data_range=2.0, reduction="elementwise_mean", dim=(1, 2, 3))
    return float(found)


def ssim(a: Tensor, b: Tensor) -> float:
    """Return the structural similarity (Wang et al. 2004, equation 13), the mean over frames, at most 1."""
    from torchmetrics.functional.image import structural_similarity_index_measure

    found = structural_similarity_index_measure(*_frames(a, b), data_range=2.0)
    assert isinstance(found, Tensor)
    return float(found)


def lpips(a: Tensor, b: Tensor, path: Path) -> float:
    """Return the learned perceptual distance (Zhang et al. 2018) by a TorchScript file, the mean over frames.

    The network takes two batches (b c h w) in [-1, 1] and returns their distances. Raises MissingPathError without
    the file, CheckpointError where it is not TorchScript.
    """
    if not path.is_file():
        raise MissingPathError(f"{path}: no such file with LPIPS weights")
    x, y = _frames(a, b)
    try:
        network = torch.jit.load(str(path), map_location=x.device).eval()
    except (RuntimeError, ValueError) as error:
        raise CheckpointError(f"{path}: not a TorchScript file; give LPIPS as TorchScript") from error
    with torch.inference_mode():
        parts = zip(x.split(32), y.split(32), strict=True)
        return float(torch.cat([network(left, right).flatten() for left, right in parts]).mean())


def _frames(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    if a.shape != b.shape:
        raise DataError(f"paired metrics need clips of one shape, not {tuple(a.shape)} and {tuple(b.shape)}")
    return rearrange(a.float(), "b t c h w -> (b t) c h w"), rearrange(b.float(), "b t c h w -> (b t) c h w")
