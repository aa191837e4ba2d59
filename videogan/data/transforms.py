"""From the cache's bytes to what networks see, on whatever device the clips are."""

import torch
from einops import rearrange


def to_model(frames: torch.Tensor) -> torch.Tensor:
    """Uint8 ``b t h w c`` in [0, 255] to float32 ``b t c h w`` in [-1, 1], on the same device."""
    return rearrange(frames, "b t h w c -> b t c h w").float().div_(127.5).sub_(1.0)


def random_mirror(clips: torch.Tensor, *, seed: int, step: int, first: int = 0) -> torch.Tensor:
    """Mirror each clip (``b t c h w``) left to right with probability 1/2.

    The draw depends only on ``seed``, ``step`` and a clip's number in the batch of all ranks, which begins at ``first``
    here (``rank * batch_size``), so that it is the same after a resume and on any number of devices.
    """
    generator = torch.Generator().manual_seed((seed * 1_000_003 + step) % 2**63)
    draw = torch.rand(first + len(clips), generator=generator)[first:]
    mirrored = (draw < 0.5).to(clips.device).view(-1, 1, 1, 1, 1)
    return torch.where(mirrored, clips.flip(-1), clips)
