"""What the discriminators are shown, and how they are asked."""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import torch
from einops import rearrange, repeat
from torch import Tensor, nn

from videogan.models.clip_discriminator import ClipDiscriminator
from videogan.models.encoder import Codes, Encoder
from videogan.models.frame_discriminator import FrameDiscriminator
from videogan.models.generator import Generator
from videogan.models.heads import Judgement
from videogan.models.joint_discriminator import JointDiscriminator


class Networks(NamedTuple):
    """The networks of a run; ``ema_generator`` averages ``generator`` and is what samples are made with."""

    generator: Generator
    ema_generator: Generator
    frame_discriminator: FrameDiscriminator
    clip_discriminator: ClipDiscriminator
    encoder: Encoder
    joint_discriminator: JointDiscriminator | None

    def present(self) -> dict[str, nn.Module]:
        """Return by name the networks that there are."""
        return {name: network for name, network in self._asdict().items() if network is not None}

    def discriminators(self) -> list[nn.Module]:
        """Return the discriminators that there are."""
        return [network for name, network in self.present().items() if name.endswith("discriminator")]

    def mix_samples(self) -> bool:
        """Tell whether a discriminator's batch normalisation lets the clips of a batch see each other."""
        modules = chain.from_iterable(network.modules() for network in self.discriminators())
        return any(isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d) for module in modules)


class Evidence(NamedTuple):
    """Clips ``(b t c h w)``, their labels ``(b)``, which frames of each are looked at ``(b k)``, and their codes.

    The codes are for the joint discriminator, if there is one.
    """

    clips: Tensor
    labels: Tensor | None
    frames: Tensor
    codes: Codes | None = None

    def first(self, count: int) -> "Evidence":
        """Return the first ``count`` clips with all that belongs to them."""
        return Evidence(
            self.clips[:count],
            None if self.labels is None else self.labels[:count],
            self.frames[:count],
            None if self.codes is None else Codes(*(part[:count] for part in self.codes)),
        )


def judge(networks: Networks, evidence: Evidence) -> dict[str, Judgement]:
    """Ask every discriminator; the frame discriminator gives a logit for each of the k frames of a clip."""
    clips, labels, frames, codes = evidence
    rows = torch.arange(len(clips), device=clips.device)[:, None]
    chosen = rearrange(clips[rows, frames], "b k c h w -> (b k) c h w")
    frame_labels = None if labels is None else repeat(labels, "b -> (b k)", k=frames.shape[1])
    judgements: dict[str, Judgement] = {
        "frame": networks.frame_discriminator(chosen, frame_labels),
        "clip": networks.clip_discriminator(clips, labels),
    }
    if networks.joint_discriminator is not None and codes is not None:
        judgements["joint"] = networks.joint_discriminator(clips, codes, labels)
    return judgements


def judge_together(networks: Networks, parts: Sequence[Evidence]) -> dict[str, list[Judgement]]:
    """Ask every discriminator about several batches in one pass, and give the judgements of each.

    Where batch normalisation would mix them, each batch has a pass of its own.
    """
    if networks.mix_samples():
        apart = [judge(networks, part) for part in parts]
        return {name: [judgements[name] for judgements in apart] for name in apart[0]}
    counts = [len(part.clips) for part in parts]
    return {name: _split(judgement, counts) for name, judgement in judge(networks, _joined(parts)).items()}


def _joined(parts: Sequence[Evidence]) -> Evidence:
    clips, labels, frames, codes = zip(*parts, strict=True)
    return Evidence(
        torch.cat(clips),
        None if labels[0] is None else torch.cat(labels),
        torch.cat(frames),
        None if codes[0] is None else Codes(*(torch.cat(same) for same in zip(*codes, strict=True))),
    )


def _split(judgement: Judgement, counts: Sequence[int]) -> list[Judgement]:
    per_clip = len(judgement.logits) // sum(counts)
    sizes = [count * per_clip for count in counts]
    logits = judgement.logits.split(sizes)
    classes = [None] * len(counts) if judgement.class_logits is None else judgement.class_logits.split(sizes)
    return [Judgement(*pair) for pair in zip(logits, classes, strict=True)]
