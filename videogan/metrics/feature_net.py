"""What every kind of features gives: numbers of clips, and what must be known to compare them."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class FeatureNet:
    """A network that describes clips, and what must be known to compare its numbers.

    ``compute`` maps clips (b t c h w) on the device to features (b dim); ``hash`` names its weights; ``protocol`` says
    what a Frechet distance on these features may be called (``frechet``), and whether covariances are divided by N
    (``ddof`` 0) or by N - 1 (1). ``parts`` says which
    features tell what clips show (``content``) and which how they move (``motion``), whatever their sharpness; none
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
        parts: Mapping[str, slice] | None = None,
    ) -> None:
        self.name, self.dim, self.hash, self.resize, self.precision = name, dim, weights, resize, precision
        self.parts = parts or {}
        self.protocol = {"frechet": f"Frechet distance on {name}", "ddof": "1", **(protocol or {})}
        self._compute, self._device, self._dtype = compute, device, PRECISIONS[precision]

    @torch.inference_mode()
    def __call__(self, clips: Tensor) -> Tensor:
        """Clips (b t c h w) in [-1, 1] to features (b dim) float32, on the CPU."""
        mixed = torch.autocast(self._device.type, self._dtype, enabled=self._dtype != torch.float32)
        with mixed:
            features = self._compute(clips.to(self._device))
        return features.float().cpu()

    def split(self, features: Tensor) -> dict[str, Tensor]:
        """Return features (n dim) by what they tell, content and motion; all under an empty name where that is one."""
        return {name: features[:, part] for name, part in self.parts.items()} or {"": features}
