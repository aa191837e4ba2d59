"""What every kind of features gives: numbers of clips, and what must be known to compare them."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class FeatureNet:
    """A network that describes clips, and what must be known to compare its numbers.

    ``compute`` maps clips (b t c h w) on the device to features (b dim); ``hash`` names its weights; ``protocol`` says
    what a Frechet distance on these features may be called (``frechet``), and whether covariances are divided by N
    (``ddof`` 0) or by N - 1 (1). The first ``content_dim`` features tell what clips show, the others how they move; 0
    where features tell both together.
    """

    def __init__(
        self,
        name: str,
        dim: int,
        compute: Callable[[Tensor], Tensor],
        *,
        weights: str,
        resize: str,
        device: torch.device,
        precision: str,
        protocol: Mapping[str, str] | None = None,
        content_dim: int = 0,
    ) -> None:
        self.name, self.dim, self.hash, self.resize, self.precision = name, dim, weights, resize, precision
        self.content_dim = content_dim
        self.protocol = {"frechet": f"Frechet distance on {name}", "ddof": "1", **(protocol or {})}
        self._compute, self._device, self._dtype = compute, device, PRECISIONS[precision]

    @torch.inference_mode()
    def __call__(self, clips: Tensor) -> Tensor:
        """Clips (b t c h w) in [-1, 1] to features (b dim) float32, on the CPU."""
        mixed = torch.autocast(self._device.type, self._dtype, enabled=self._dtype != torch.float32)
        with mixed:
            features = self._compute(clips.to(self._device))
        return features.float().cpu()
