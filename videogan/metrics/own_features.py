"""Features learnt on real clips: no download, and nothing of photographs.

A small network learns which video a clip is of, and its class where there are two or more, whatever shift, tint and
blur the clip is given (discrimination of single examples: Dosovitskiy et al. 2014, section 2).
"""

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from einops import rearrange
from safetensors import SafetensorError
from torch import Tensor, nn

from videogan.artifacts.tensor_file import TensorType, pack, read_tensors, tensors_sha256
from videogan.files import Progress, cache_root, write_bytes
from videogan.metrics.clip_net import CODE, CONTENT_DIM, MOTION_DIM, SIZE, ClipNet, shrink
from videogan.metrics.feature_net import FeatureNet
from videogan.metrics.sources import Batch
from videogan.metrics.spectrum import spatial_spectrum, temporal_spectrum

VERSION = 1
"""Of all that features depend on beside the clips: what was learnt by another version is learnt anew."""
CLIPS, FRAMES = 512, 16
"""Clips and frames of each that are learnt, at most."""
STEPS, BATCH, RATE = 250, 32, 3e-3
SEEN = 4
"""Frames of a clip, at random, by which its content is learnt in one step."""


class LearningClips(NamedTuple):
    """Shrunk clips (n t c h w), the spectra of whole ones, labels (n), -1 for none, and the video of each clip (n)."""

    small: Tensor
    spatial: Tensor
    temporal: Tensor
    labels: Tensor
    groups: Tensor

    @classmethod
    def of(cls, batches: Iterable[Batch]) -> "LearningClips":
        """Keep of clips what is learnt."""
        parts = []
        for batch in batches:
            clips = batch.clips.cpu()
            spectra = spatial_spectrum(clips), temporal_spectrum(clips)
            parts.append((shrink(clips[:, :FRAMES]), *spectra, batch.labels, batch.groups))
        return cls(*(torch.cat(part) for part in zip(*parts, strict=True)))


class OwnFeatures(NamedTuple):
    """Features that are yet to be learnt; an evaluation learns them on its real clips."""

    device: torch.device
    precision: str
    steps: int = STEPS

    def learn(
        self,
        batches: Callable[[], Iterable[Batch]],
        key: str,
        *,
        cache_dir: str | os.PathLike[str] | None = None,
        progress: Progress | None = None,
    ) -> FeatureNet:
        """Return features learnt on clips, or what an earlier call with the same ``key`` kept in the cache folder.

        A damaged file is made anew, and a cache that cannot be written is no error.
        """
        file = cache_root(cache_dir) / "features" / f"{key}-{VERSION}-{self.steps}.safetensors"
        net = _read(file)
        if net is None:
            net = learn(LearningClips.of(batches()), steps=self.steps, progress=progress)
            with suppress(OSError):
                file.parent.mkdir(parents=True, exist_ok=True)
                write_bytes(file, pack(net.state_dict(), {}))
        weights = tensors_sha256(net.state_dict())
        return FeatureNet(
            "own",
            CONTENT_DIM + MOTION_DIM,
            net.to(self.device),
            weights=weights,
            resize=f"{SIZE}x{SIZE} area, and spectra at full size",
            device=self.device,
            precision=self.precision,
            parts={"content": slice(CODE), "motion": slice(CONTENT_DIM, CONTENT_DIM + CODE)},
        )


def learn(known: LearningClips, *, seed: int = 0, steps: int = STEPS, progress: Progress | None = None) -> ClipNet:
    """Return a network that has learnt clips; a seed gives the same one on the same CPU, however many cores it has."""
    small, videos, labels = known.small, _numbered(known.groups), known.labels
    num_videos, num_classes = int(videos.max()) + 1, int(labels.max()) + 1
    with _one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = ClipNet()
        heads = nn.ModuleList(nn.Linear(CODE, num_videos + num_classes) for _ in range(2))
        optimizer = torch.optim.AdamW([*net.parameters(), *heads.parameters()], RATE, weight_decay=0.05)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps, pct_start=0.15)
        for step in range(steps):
            rows = torch.randint(len(small), (BATCH,))
            clips = vary(small[rows])
            seen = torch.randperm(clips.shape[1])[:SEEN]
            codes = net.content_code(clips[:, seen]), net.motion_code(clips)
            loss = torch.zeros(())
            for head, code in zip(heads, codes, strict=True):
                which_video, which_class = head(F.dropout(code, 0.1)).split((num_videos, num_classes), dim=1)
                loss = loss + F.cross_entropy(which_video, videos[rows])
                if num_classes > 1:
                    loss = loss + F.cross_entropy(which_class, labels[rows], ignore_index=-1).nan_to_num()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            if progress is not None:
                progress(step + 1, steps)
        net.eval().requires_grad_(False)
        parts = [net.described(*part) for part in zip(*(x.split(BATCH) for x in known[:3]), strict=True)]
        for whitening, part in zip(
            (net.content_whitening, net.motion_whitening), zip(*parts, strict=True), strict=True
        ):
            whitening.fit(torch.cat(part))
    return net


def vary(clips: Tensor) -> Tensor:
    """Shift, tint and blur clips (b t c h w) at random, each as a whole; whole pixels do not blur."""
    from torchvision.transforms.functional import gaussian_blur  # here: it takes a second to load, and few need it

    batch, size = len(clips), clips.shape[-1]
    shift = torch.randint(-size // 8, size // 8 + 1, (batch, 2, 1)) * (2 / size)
    grid = F.affine_grid(torch.cat((torch.eye(2).expand(batch, 2, 2), shift), dim=2), [batch, 1, size, size], False)
    flat = rearrange(clips, "b t c h w -> b (t c) h w")
    moved = F.grid_sample(flat, grid, mode="nearest", padding_mode="reflection", align_corners=False)
    clips = torch.einsum("b i j, b t j h w -> b t i h w", _tints(batch), moved.view(clips.shape))
    clips = clips + 0.1 * (2 * torch.rand(batch, 1, 1, 1, 1) - 1)
    blurred, sigma = torch.rand(batch) < 0.5, 0.3 + 0.7 * float(torch.rand(()))
    if blurred.any():
        frames = gaussian_blur(rearrange(clips[blurred], "b t c h w -> (b t) c h w"), [5, 5], [sigma, sigma])
        clips[blurred] = frames.view(-1, *clips.shape[1:])
    return clips


def _tints(batch: int) -> Tensor:
    """Matrices (b 3 3) that turn colours about the grey axis by up to 14 degrees, and change contrast by a fifth."""
    angle = (torch.rand(batch, 1, 1) - 0.5) / 2
    across = torch.tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]]) / math.sqrt(3)
    turn = angle.cos() * torch.eye(3) + (1 - angle.cos()) / 3 + angle.sin() * across
    return turn * (0.8 + 0.4 * torch.rand(batch, 1, 1))


def _numbered(groups: Tensor) -> Tensor:
    """Number the videos from 0; where all clips are of one, each counts for itself."""
    kinds, numbers = groups.unique(return_inverse=True)
    return numbers if len(kinds) > 1 else torch.arange(len(groups))


def _read(file: Path) -> ClipNet | None:
    """Return what was kept, or None where there is nothing, or not what was written."""
    net = ClipNet()
    own: Mapping[str, Tensor] = net.state_dict()
    try:
        net.load_state_dict(read_tensors(file, {n: TensorType((t.dtype,), tuple(t.shape)) for n, t in own.items()}))
    except (OSError, SafetensorError, ValueError):
        return None
    return net.eval().requires_grad_(False)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums of one thread come out the same wherever; such small networks gain little by a second."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
