"""A trained model in three lines: ``import videogan``, ``model = videogan.load()``, ``model.stream(seed=7)``."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from videogan.artifacts.latents_file import LatentsFile, check_latents_path, load_for_model, save_latents
from videogan.checkpoint import Card, fingerprint, load_weights
from videogan.data.whole import read_whole
from videogan.device import pick_device
from videogan.errors import UsageError, did_you_mean
from videogan.generation import inversion, prediction, sampling
from videogan.generation.class_path import ClassPath
from videogan.generation.morphing import AXES, Axis, clip_stop, morph, seed_stop
from videogan.models.encoder import Encoder
from videogan.models.generator import Generator
from videogan.models.latents import ClipLatents
from videogan.runs import find_weights
from videogan.video import to_float, to_uint8

HOLD_STEPS = 32
"""Latent steps of each class in a video without an end."""


@dataclass(frozen=True)
class Model:
    """A trained model: generator and encoder, what its card says, and where it came from."""

    generator: Generator
    encoder: Encoder
    card: Card
    device: torch.device
    path: Path

    @property
    def frame_rate(self) -> Fraction:
        """Frames per second of its videos."""
        return self.card.frame_rate

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of its classes, empty if it has none."""
        return self.card.class_names

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the weights file."""
        return fingerprint(self.path).sha256

    def stream(
        self, seed: int = 0, class_name: str | None = None, *, truncation: float = 1.0, speed: float = 1.0
    ) -> Iterator[np.ndarray]:
        """Yield the frames of one video for ever: uint8 ``h w c``.

        Without a class name, a model with classes takes the one that stands at the seed's turn. ``class_name`` may also
        be several with commas between; each then lasts 128 frames, in turn.

        Raises:
            UsageError: there is no such class, or an option is out of range.
        """
        _check(truncation=truncation, speed=speed, seeds=[seed])
        chunks = sampling.stream(
            self.generator,
            [seed],
            self.labels(class_name, [seed]),
            truncation=truncation,
            speed=speed,
            classes=self.class_path(class_name),
        )
        return _frames(chunks)

    def interpolate(
        self,
        stops: Sequence[int | ClipLatents],
        num_frames: int,
        class_name: str | None = None,
        *,
        truncation: float = 1.0,
        loop: bool = False,
        axis: Axis = "content",
    ) -> Iterator[np.ndarray]:
        """Yield ``num_frames`` frames, uint8 ``h w c``, that move from stop to stop: seeds, or what ``encode`` found.

        With ``axis="content"`` the content morphs while the first stop's motion goes on; ``motion`` and ``both`` move
        the motion. Seeds are of the named class, or of the first one's.

        Raises:
            UsageError: there is no stop or no such class, or an option is out of range.
        """
        seeds = [stop for stop in stops if not isinstance(stop, ClipLatents)]
        _check(truncation=truncation, speed=1.0, seeds=seeds if seeds or not len(stops) else [0])
        if num_frames < 1:
            raise UsageError(f"num_frames {num_frames}: must be at least 1")
        if axis not in AXES:
            raise UsageError(f"axis {axis!r}{did_you_mean(axis, AXES)}: must be one of {', '.join(AXES)}")
        label = self.label(class_name, seeds[0]) if seeds else None
        generator = self.generator
        passed = [
            clip_stop(generator, stop) if isinstance(stop, ClipLatents) else seed_stop(generator, stop, label)
            for stop in stops
        ]
        chunks = morph(generator, passed, num_frames=num_frames, axis=axis, truncation=truncation, loop=loop)
        return _frames(chunks)

    def read_clip(self, path: str | os.PathLike[str]) -> np.ndarray:
        """Return a whole video as the model sees it: uint8 ``t h w c``, cut to its size, at its frame rate.

        Raises:
            MissingPathError: there is no such file.
            VideoError: it cannot be read.
        """
        data = self.card.config.data
        return read_whole(path, size=data.size, fit=data.fit, frame_rate=self.frame_rate)

    def encode(self, clip: np.ndarray, *, refine: int = 0, class_name: str | None = None) -> ClipLatents:
        """Return what a clip is made from: ``content (1 d)`` and ``motion_codes (1 s m)``.

        ``clip`` is uint8 ``t h w c`` of the model's size, of any length; ``read_clip`` gives such. ``refine`` steps of
        optimisation follow the encoder. Without a class name, the class of lowest error is taken.

        Raises:
            UsageError: it is no such clip, or there is no such class.
        """
        return self.invert(clip, steps=refine, class_name=class_name).latents

    def invert(
        self,
        clip: np.ndarray,
        *,
        steps: int,
        class_name: str | None = None,
        ending: bool = False,
        progress: inversion.Progress | None = None,
    ) -> inversion.Inversion:
        """Encode a clip with its error; as ``encode``, with a callback.

        With ``ending`` only the end is encoded, such that the generator can go on from it.

        Raises:
            UsageError: it is no such clip, or there is no such class.
        """
        size = self.generator.size
        if clip.dtype != np.uint8 or clip.ndim != 4 or clip.shape[1:] != (size, size, 3) or not len(clip):
            raise UsageError(f"a clip of shape {clip.shape}, {clip.dtype}: must be uint8 t {size} {size} 3")
        if steps < 0:
            raise UsageError(f"refine {steps}: must be at least 0")
        labels = None if class_name is None else self.class_labels(class_name)[:1]
        clip = clip[-prediction.TAIL_FRAMES :] if ending else clip
        return inversion.invert(
            self.generator,
            self.encoder,
            to_float(clip).to(self.device),
            window=self.card.config.data.num_frames,
            steps=steps,
            labels=labels,
            weights=prediction.tail_weights(len(clip)) if ending else None,
            dynamics_weight=prediction.DYNAMICS_WEIGHT if ending else 0.0,
            progress=progress,
        )

    def decode(self, latents: ClipLatents) -> np.ndarray:
        """Return the frames of latents: uint8 ``t h w c``, as many as the clip had that they were found in."""
        return np.stack(list(_frames(inversion.render(self.generator, latents))))

    def predict(
        self, clip: np.ndarray, num_frames: int, seed: int = 0, *, class_name: str | None = None, refine: int = 100
    ) -> np.ndarray:
        """Return ``num_frames`` frames that may come after a clip, uint8 ``t h w c``; other seeds, other futures.

        Raises:
            UsageError: it is no clip as ``encode`` takes it, there is no such class, or an option is out of range.
        """
        _check(truncation=1.0, speed=1.0, seeds=[seed])
        if num_frames < 1:
            raise UsageError(f"num_frames {num_frames}: must be at least 1")
        latents = self.invert(clip, steps=refine, class_name=class_name, ending=True).latents
        end = to_float(clip[-prediction.TAIL_FRAMES :])
        chunks = prediction.predict(self.generator, end, latents, [seed], num_frames=num_frames)
        return np.stack(list(_frames(chunks)))

    def save_latents(self, path: str | os.PathLike[str], latents: ClipLatents, *, overwrite: bool = False) -> None:
        """Write latents to a small safetensors file that names this model.

        Raises:
            UsageError: ``path`` exists or cannot be written.
        """
        check_latents_path(Path(path), overwrite=overwrite)
        class_name = None if latents.label is None else self.class_names[latents.label]
        save_latents(Path(path), LatentsFile(latents, self.sha256, class_name, self.frame_rate))

    def load_latents(self, path: str | os.PathLike[str]) -> ClipLatents:
        """Read latents of this model.

        Raises:
            MissingPathError: there is no such file.
            CheckpointError: it holds no latents, or another model's.
        """
        file = load_for_model(Path(path), self.class_names, self.sha256, self.path)
        return file.latents.to(self.device)

    def label(self, class_name: str | None, seed: int) -> int | None:
        """Return the label of one seed's video, as ``labels`` does for several."""
        labels = self.labels(class_name, [seed])
        return None if labels is None else int(labels[0])

    def labels(self, class_name: str | None, seeds: Sequence[int]) -> Tensor | None:
        """Return the label of each seed's video: the (first) named class, or the classes in turn by seed.

        Raises:
            UsageError: there is no such class, or the model has no classes.
        """
        if class_name is not None:
            return torch.full((len(seeds),), self.class_labels(class_name)[0], device=self.device)
        names = self.class_names
        return torch.tensor([seed % len(names) for seed in seeds], device=self.device) if names else None

    def class_labels(self, class_name: str) -> list[int]:
        """Return the labels of a class name, or of several with commas between.

        Raises:
            UsageError: there is no such class, or the model has no classes.
        """
        names = self.class_names
        if not names:
            raise UsageError(f"class {class_name}: this model was trained without classes")
        if class_name in names:
            return [names.index(class_name)]
        wanted = [part.strip() for part in class_name.split(",")]
        for name in wanted:
            if name not in names:
                hint = did_you_mean(name, names)
                raise UsageError(f"there is no class {name!r}{hint}; classes are {', '.join(names)}")
        return [names.index(name) for name in wanted]

    def class_path(
        self, class_name: str | None, num_frames: int | None = None, *, cyclic: bool = False
    ) -> ClassPath | None:
        """Return the path through several classes, equally long in ``num_frames`` frames; None for one class.

        In a video without an end they come in turn for ever.
        """
        labels = [] if class_name is None else self.class_labels(class_name)
        if len(labels) < 2:
            return None
        if num_frames is None:
            return ClassPath(tuple(labels), HOLD_STEPS, cyclic=True)
        steps = -(-num_frames // self.generator.frames_per_step)
        return ClassPath(tuple(labels), steps / len(labels), cyclic)


def load(path: str | os.PathLike[str] | None = None, device: str | torch.device | None = None) -> Model:
    """Load a run folder, a checkpoint or a weights file; None is the newest run, or the model that is shipped.

    Raises:
        MissingPathError: there is no such path.
        CheckpointError: it holds no usable model.
    """
    place = pick_device() if device is None else torch.device(device)
    file = find_weights(None if path is None else Path(path))
    weights = load_weights(file, place)
    return Model(weights.generator, weights.encoder, weights.card, place, file)


def _frames(chunks: Iterator[Tensor]) -> Iterator[np.ndarray]:
    for chunk in chunks:
        yield from to_uint8(chunk[0].cpu())


def _check(*, truncation: float, speed: float, seeds: Sequence[int]) -> None:
    if not 0 <= truncation <= 1:
        raise UsageError(f"truncation {truncation}: must be from 0 to 1")
    if not 0.05 <= speed <= 8:
        raise UsageError(f"speed {speed}: must be from 0.05 to 8")
    if not len(seeds) or min(seeds) < 0:
        raise UsageError(f"seeds {list(seeds)}: must be whole numbers from 0 on, at least one")
