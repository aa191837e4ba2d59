"""How near a clip is to the very clip it should be. Clips are (b t c h w) float in [-1, 1], frame by frame."""

from collections.abc import Callable
from pathlib import Path

import torch
from einops import rearrange
from torch import Tensor

from videogan.errors import DataError, MissingPathError
from videogan.metrics.published import open_torchscript

PairMetric = Callable[[Tensor, Tensor], float]
"""What two batches of clips (b t c h w) in [-1, 1] have between them."""


def psnr(a: Tensor, b: Tensor) -> float:
    """Return the peak signal-to-noise ratio in dB, the mean over frames (infinite for equal frames)."""
    from torchmetrics.functional.image import peak_signal_noise_ratio

    x, y = _frames(a, b)
    return float(peak_signal_noise_ratio(x, y, data_range=2.0, reduction="elementwise_mean", dim=(1, 2, 3)))


def ssim(a: Tensor, b: Tensor) -> float:
    """Return the structural similarity (Wang et al. 2004, equation 13), the mean over frames, at most 1."""
    from torchmetrics.functional.image import structural_similarity_index_measure

    mean = structural_similarity_index_measure(*_frames(a, b), data_range=2.0)
    assert isinstance(mean, Tensor)
    return float(mean)


def load_lpips(path: Path, *, device: torch.device | str = "cpu", trust: bool = False) -> PairMetric:
    """Return the learned perceptual distance (Zhang et al. 2018) by a TorchScript file, the mean over frames.

    The network takes two batches (b c h w) in [-1, 1] and returns their distances.

    Raises:
        MissingPathError: there is no such file.
        UsageError: the file is not trusted.
        CheckpointError: it is not TorchScript.
    """
    if not path.is_file():
        raise MissingPathError(f"{path}: no such file with LPIPS weights")
    network = open_torchscript(path, device, trust=trust)

    def lpips(a: Tensor, b: Tensor) -> float:
        pairs = zip(*(frames.to(device).split(32) for frames in _frames(a, b)), strict=True)
        with torch.inference_mode():
            return float(torch.cat([network(left, right).flatten() for left, right in pairs]).mean())

    return lpips


def _frames(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    if a.shape != b.shape:
        raise DataError(f"paired metrics need clips of one shape, not {tuple(a.shape)} and {tuple(b.shape)}")
    return rearrange(a.float(), "b t c h w -> (b t) c h w"), rearrange(b.float(), "b t c h w -> (b t) c h w")
