"""Normalisation of a network, by kind: of its features (batch, rms), of its weights (spectral), or none.

Axes: channels are the second axis of whatever is normalised, ``b c h w`` or ``b c t h w``.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from videogan.config import Normalisation

SPECTRAL_START = 0.02
"""Standard deviation of weights that would begin at zero, which have no direction to normalise."""


class PositionRMS(nn.Module):
    """Divides the features of each position by their root mean square.

    Karras et al. 2018, "Progressive growing of GANs", section 4.2. No position sees another, so it is causal.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map ``b c ...`` to the same shape."""
        return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-8)


def feature_norm(kind: Normalisation, channels: int, *, axes: int) -> nn.Module:
    """Return what stands before an activation: of features with ``axes`` axes, 4 or 5.

    ``batch`` is Ioffe and Szegedy 2015 ("Batch normalization", algorithm 1); outside of training it uses its running
    statistics, so that a video is generated causally and whatever stands beside it.
    """
    if kind == "batch":
        return nn.BatchNorm2d(channels) if axes == 4 else nn.BatchNorm3d(channels)
    return PositionRMS() if kind == "rms" else nn.Identity()


def normalise_weights(network: nn.Module, kind: Normalisation) -> None:
    """With ``spectral``, divide every weight of convolutions and linear layers by its largest singular value.

    Miyato et al. 2018, "Spectral normalization for GANs", equation 8. Recurrent layers and embeddings are left alone.
    """
    if kind != "spectral":
        return
    for module in list(network.modules()):
        if isinstance(module, nn.Conv2d | nn.Conv3d | nn.Linear):
            with torch.no_grad():
                if not module.weight.is_meta and not module.weight.any():
                    nn.init.normal_(module.weight, std=SPECTRAL_START)
            spectral_norm(module)
