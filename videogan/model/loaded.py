"""A trained model as it was loaded: networks, card, and the files that belong to it."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from videogan.artifacts import latents_file
from videogan.artifacts.checkpoint_files import fingerprint, model_place
from videogan.artifacts.networks import read_discriminators
from videogan.artifacts.provenance import MAX_LOOP_FRAMES, Provenance, checked_options, package_version, versions
from videogan.artifacts.runs import RUNS, SHIPPED
from videogan.artifacts.weights import Card, Weights
from videogan.config import FRAMES_PER_STEP
from videogan.errors import CheckpointError, UsageError
from videogan.export.files import export_model
from videogan.files import Progress
from videogan.generation import inversion, morphing, prediction
from videogan.generation.class_path import class_labels, seed_labels
from videogan.generation.directions import content_directions
from videogan.generation.steering import Controls, content_and_classes, steered
from videogan.generation.video_stream import VideoStream
from videogan.models.encoder import Encoder
from videogan.models.generator import Generator
from videogan.models.latents import ClipLatents
from videogan.video import VideoReader, to_float

AnyPath = str | os.PathLike[str]
AnyStop = int | AnyPath | ClipLatents


@dataclass(frozen=True)
class LoadedModel:
    """A trained model: generator and encoder, what its card says, and where it came from."""

    generator: Generator
    encoder: Encoder
    card: Card
    device: torch.device
    path: Path

    @property
    def description(self) -> str:
        """Which model it is, in words."""
        name: str | Path = model_place(self.path)
        if self.path == SHIPPED:
            name = f"the small one that comes with videogan (trained runs are looked for in {RUNS.absolute()})"
        return f"{name}, step {self.card.step}"

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
        """What the model is known by: a SHA-256 of its networks' weights, whichever file holds them."""
        return Weights(self.generator, self.encoder, self.card).sha256

    @cached_property
    def file_sha256(self) -> str:
        """SHA-256 of the weights file, by which earlier versions knew the model; empty where it is gone."""
        try:
            return fingerprint(self.path).sha256
        except OSError:
            return ""

    def read_clip(self, path: AnyPath, *, frames: int | None = None) -> np.ndarray:
        """Return a video as the model sees it: uint8 ``t h w c``, cut to its size, at its frame rate.

        Without ``frames`` it is the whole video, with them at most so many from its beginning.

        Raises:
            MissingPathError: there is no such file.
            VideoError: it cannot be read.
        """
        with self.open_video(path) as reader:
            return np.stack(list(islice(reader.frames(), frames)))

    def open_video(self, path: AnyPath) -> VideoReader:
        """Open a video to be read as the model sees it, as :meth:`read_clip` does at once."""
        data = self.card.config.data
        return VideoReader(path, size=(data.size, data.size), fit=data.fit, frame_rate=self.frame_rate)

    def encode(
        self,
        clip: np.ndarray,
        *,
        refine: int = 0,
        class_name: str | None = None,
        progress: Progress | None = None,
    ) -> inversion.Inversion:
        """Return what a clip is made from: ``.latents``, with their ``.error``, and the ``.encoder``'s own.

        ``clip`` is uint8 ``t h w c`` of the model's size, of any length; ``read_clip`` gives such. ``refine`` steps of
        optimisation follow the encoder. Without a class name, the class of lowest error is taken.

        Raises:
            UsageError: it is no such clip, or there is no such class.
        """
        return self.invert(self.checked_clip(clip), inversion.Refinement(refine), class_name, progress)

    def decode(self, latents: ClipLatents, frames: int | Literal["inf"] | None = None, *, seed: int = 0) -> VideoStream:
        """Return the video of latents: as many frames as their clip has, or more, continued by a seed.

        Raises:
            UsageError: frames or seed are out of range.
        """
        length = latents.num_frames if frames is None else frames
        checked_options({"frames": length, "seeds": (seed,)})
        end = None if length == "inf" else length
        make = partial(prediction.decode_on, self.generator, latents, [seed], end)
        return self.videos(make, end, self.provenance("sample --latents", {}, frames=length, seeds=[seed]))

    @cached_property
    def directions(self) -> Tensor:
        """Two directions ``(2 d)`` in the content noise along which videos vary most; the ``offsets`` of controls."""
        return content_directions(self.generator)

    def steer(self, timeline: Controls | Sequence[tuple[int, Controls]], *, first: int = 0) -> VideoStream:
        """Return a video without an end that follows controls, as the studio plays it.

        Args:
            timeline: the controls; or several, each with the frame from which it holds, in rising multiples of four
                from 0 on.
            first: the frame that the video begins with, a multiple of four.

        Raises:
            UsageError: the controls do not fit the model, or the timeline is none.
        """
        changes = [(0, timeline)] if isinstance(timeline, Controls) else list(timeline)
        steps, rest = zip(*(divmod(frame, FRAMES_PER_STEP) for frame, _ in changes), strict=True)
        if not changes or steps[0] != 0 or any(rest) or list(steps) != sorted(set(steps)) or first % FRAMES_PER_STEP:
            raise UsageError(f"a timeline begins at frame 0 and rises in multiples of {FRAMES_PER_STEP}")
        for _, controls in changes:
            content_and_classes(self.generator, controls, None)
        named = [(step, controls) for step, (_, controls) in zip(steps, changes, strict=True)]

        def make() -> Iterator[Tensor]:
            return islice(steered(self.generator, named, self.directions), first // FRAMES_PER_STEP, None)

        recorded = [(frame, controls.model_dump(mode="json")) for frame, controls in changes]
        options, seed = {"first": first, "timeline": recorded}, changes[0][1].seeds[0]
        return self.videos(make, None, self.provenance("studio", options, frames="inf", seeds=[seed]))

    def export(
        self,
        path: AnyPath,
        *,
        precision: Literal["float32", "float16"] | None = None,
        for_training: bool = False,
        overwrite: bool = False,
    ) -> None:
        """Write the model as one file: .safetensors (weights), .onnx or .pt2 (the streaming step).

        Weights ``for_training`` hold the discriminators too.

        Raises:
            UsageError: the path or the precision does not fit, or a package is not installed.
            CheckpointError: the graph does not do what the model does, or there are no discriminators.
        """
        weights = Weights(self.generator, self.encoder, self.card)
        discriminators = read_discriminators(self.path) if for_training else None
        export_model(
            weights, self.sha256, Path(path), precision=precision, discriminators=discriminators, overwrite=overwrite
        )

    def save_latents(self, path: AnyPath, latents: ClipLatents, *, overwrite: bool = False) -> None:
        """Write latents to a small safetensors file that names this model.

        Raises:
            UsageError: ``path`` exists or cannot be written.
        """
        latents_file.check_latents_path(Path(path), overwrite=overwrite)
        about = latents_file.LatentsFile(latents, self.sha256, self.class_name(latents), self.frame_rate)
        latents_file.save_latents(Path(path), about)

    def load_latents(self, path: AnyPath) -> ClipLatents:
        """Read latents of this model.

        Raises:
            MissingPathError: there is no such file.
            CheckpointError: it holds no latents, or another model's.
        """
        file = latents_file.load_for_model(Path(path), self.class_names, self.sha256, self.path, self.file_sha256)
        latents, generator = file.latents, self.generator
        shapes = (latents.content.shape[1], latents.motion_codes.shape[2], *latents.history.shape[1:])
        expected = (generator.content_dim, generator.motion_dim, generator.context_steps, generator.motion_dim)
        if shapes != expected or (latents.label is None) != (generator.num_classes == 0):
            raise CheckpointError(f"{path}: its codes or its class do not fit the model that it names")
        return latents.to(self.device)

    def videos(
        self,
        make: Callable[[], Iterator[Tensor]],
        num_frames: int | None,
        provenance: tuple[Provenance, ...],
        figures: dict[str, Any] | None = None,
    ) -> VideoStream:
        """Return the stream of the videos that ``make`` begins, one for each provenance."""
        size = (self.generator.size, self.generator.size)
        return VideoStream(make, size, self.frame_rate, num_frames, len(provenance), provenance, figures or {})

    def class_name(self, latents: ClipLatents) -> str | None:
        """Return the name of the class that latents are of."""
        return None if latents.label is None else self.class_names[latents.label]

    def provenance(
        self,
        command: str,
        options: dict[str, Any],
        *,
        frames: int | Literal["inf"],
        seeds: Sequence[int | list[int] | None] = (None,),
    ) -> tuple[Provenance, ...]:
        """Return the provenance of each seed's video, or of one that no seed stands for."""
        about = Provenance(
            videogan=package_version("videogan"),
            command=command,
            model_sha256=self.sha256,
            ancestor_sha256=self.card.config.start.sha256 or None,
            step=self.card.step,
            seed=None,
            frames=frames,
            options=options,
            device=str(self.device),
            versions=versions(),
        )
        return tuple(about.model_copy(update={"seed": seed}) for seed in seeds)

    def stops(
        self, stops: Sequence[AnyStop], classes: str | None, refine: int, progress: Progress | None
    ) -> list[morphing.Stop]:
        """Return the stops of a morph; seeds are all of the named class, or of the first seed's."""

        def read(path: AnyPath) -> ClipLatents:
            if Path(path).suffix == latents_file.SUFFIX:
                return self.load_latents(path)
            return self.encode(self.read_clip(path), refine=refine, class_name=classes, progress=progress).latents

        labels = seed_labels(classes, self.class_names, [stop for stop in stops if isinstance(stop, int)])
        label = labels[0] if labels else None
        return [
            morphing.seed_stop(self.generator, stop, label)
            if isinstance(stop, int)
            # Beyond the clip's end stop k goes on by seed k.
            else morphing.clip_stop(self.generator, stop if isinstance(stop, ClipLatents) else read(stop), seed=number)
            for number, stop in enumerate(stops)
        ]

    def checked_clip(self, clip: np.ndarray) -> Tensor:
        """Return a clip, uint8 ``t h w c``, as ``t c h w`` in [-1, 1] on the device; UsageError if it is none."""
        size = self.generator.size
        if clip.dtype != np.uint8 or clip.ndim != 4 or clip.shape[1:] != (size, size, 3) or not len(clip):
            raise UsageError(f"a clip of shape {clip.shape}, {clip.dtype}: must be uint8 t {size} {size} 3")
        return to_float(clip).to(self.device)

    def invert(
        self, clip: Tensor, refinement: inversion.Refinement, class_name: str | None, progress: Progress | None
    ) -> inversion.Inversion:
        """Return the latents of a clip ``t c h w``, of the named class or of that of lowest error."""
        labels = None if class_name is None else class_labels(class_name, self.class_names)[:1]
        window, networks = self.card.config.data.num_frames, (self.generator, self.encoder)
        return inversion.invert(*networks, clip, refinement, window=window, labels=labels, progress=progress)

    def provenance_of_stops(
        self, stops: Sequence[AnyStop], frames: int, truncation: float, options: dict[str, Any]
    ) -> tuple[Provenance, ...]:
        """Return the provenance of one video through stops; raises UsageError where something is out of range."""
        if not len(stops):
            raise UsageError("an interpolation needs at least one stop")
        if frames > MAX_LOOP_FRAMES:  # its path is held, as a loop's codes are
            raise UsageError(f"frames {frames}: an interpolation has at most {MAX_LOOP_FRAMES}")
        numbers = [stop for stop in stops if isinstance(stop, int)]
        for seed in numbers or [0]:
            checked_options({"frames": frames, "seeds": (seed,), "truncation": truncation})
        names = [
            {"seed": stop}
            if isinstance(stop, int)
            else {"latents": None}
            if isinstance(stop, ClipLatents)
            else {"latents" if Path(stop).suffix == latents_file.SUFFIX else "clip": Path(stop).name}
            for stop in stops
        ]
        return self.provenance("interpolate", {"stops": names, **options}, frames=frames, seeds=[numbers or None])
