"""What a trained model can do: ``videogan.load().sample().save("a.mp4")``."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from videogan.artifacts.provenance import checked_options, sample_options
from videogan.artifacts.runs import find_weights
from videogan.artifacts.weights import load_weights
from videogan.config import FRAMES_PER_STEP
from videogan.device import pick_device
from videogan.errors import CheckpointError, MissingPathError, UsageError
from videogan.files import Progress
from videogan.generation import inversion, morphing, prediction, sampling
from videogan.generation.chunks import Replays
from videogan.generation.class_path import class_path, seed_labels
from videogan.generation.looping import stream_loop
from videogan.generation.video_stream import VideoStream
from videogan.metrics.paired import psnr, ssim
from videogan.model.loaded import AnyPath, AnyStop
from videogan.model.redrawing import RedrawingModel
from videogan.models.latents import ClipLatents
from videogan.video import probe

LARGEST_SWAP = 10


@dataclass(frozen=True)
class Reconstruction:
    """A clip beside what its latents make, and how near they come: PSNR in dB and SSIM."""

    latents: ClipLatents
    class_name: str | None
    encoder: dict[str, float]
    refined: dict[str, float] | None
    stream: VideoStream


@dataclass(frozen=True)
class Model(RedrawingModel):
    """What a trained model can do; every video comes as a :class:`VideoStream`."""

    @cached_property
    def replays(self) -> Replays:
        """What its videos share: passes that were recorded as CUDA graphs."""
        return Replays(self.generator)

    def sample(
        self,
        frames: int | None = 64,
        *,
        seeds: Sequence[int] = (0,),
        classes: str | None = None,
        truncation: float = 1.0,
        speed: float = 1.0,
        loop: bool = False,
    ) -> VideoStream:
        """Return new videos, one per seed, made together.

        Args:
            frames: of each video; None without end. A loop's are rounded up to a multiple of four.
            seeds: a seed means the same video whatever stands beside it.
            classes: a class by name, or several with commas between, one after the other (without an end, in turn, 128
                frames each). Without, a model with classes takes the one that stands at the seed's turn.
            truncation: from 0 to 1; below 1 content is more typical, less diverse.
            speed: of motion, from 0.05 to 8.
            loop: whether the last frame leads into the first.

        Raises:
            UsageError: there is no such class, or an option is out of range.
        """
        options = checked_options(
            {
                "frames": "inf" if frames is None else frames,
                "seeds": tuple(seeds),
                "class_names": classes,
                "truncation": truncation,
                "speed": speed,
                "loop": loop,
            }
        )
        labels = seed_labels(classes, self.class_names, options.seeds)
        arguments: dict[str, Any] = {
            "labels": None if labels is None else torch.tensor(labels, device=self.device),
            "truncation": truncation,
            "speed": speed,
            "classes": class_path(classes, self.class_names, frames, cyclic=loop),
        }

        def make() -> Iterator[Tensor]:
            if frames is not None and loop:
                return stream_loop(self.generator, options.seeds, num_frames=frames, **arguments)
            chunks = sampling.stream(self.generator, options.seeds, replays=self.replays, **arguments)
            return chunks if frames is None else sampling.take(chunks, frames)

        length = frames if frames is None or not loop else -(-frames // FRAMES_PER_STEP) * FRAMES_PER_STEP
        recorded = options.model_dump(mode="json", exclude={"scale_method"})
        about = self.provenance("sample", recorded, frames=options.frames, seeds=options.seeds)
        return self.videos(make, length, about)

    def stream(
        self, seed: int = 0, class_name: str | None = None, *, truncation: float = 1.0, speed: float = 1.0
    ) -> VideoStream:
        """Return one video without an end, to be iterated over: uint8 ``h w c``; as :meth:`sample` has it."""
        return self.sample(None, seeds=[seed], classes=class_name, truncation=truncation, speed=speed)

    def again(self, path: AnyPath) -> VideoStream:
        """Return the video that ``sample`` made once more: the same frames, by what its file says.

        Raises:
            MissingPathError: there is no such video.
            VideoError: it does not say how it was made, or another command made it.
            CheckpointError: another model made it.
        """
        file = Path(path)
        if not os.path.lexists(file):
            raise MissingPathError(f"{file}: no such video")
        about, options = sample_options(file)
        if about.model_sha256 not in (self.sha256, self.file_sha256):
            raise CheckpointError(
                f"{file}: made by another model (sha256 {about.model_sha256[:12]}, step {about.step}) than {self.path} "
                f"({self.sha256[:12]}, step {self.card.step}); name the right one by --run"
            )
        # A video that was stopped early holds fewer frames than its provenance says; a PNG is one picture of all.
        held = about.frames if file.suffix.lower() == ".png" else probe(file).num_frames
        if held == "inf":
            raise UsageError(f"{file}: a picture of a video without an end cannot be made again")
        frames = None if options.frames == "inf" else options.frames
        stream = self.sample(
            frames,
            seeds=options.seeds,
            classes=options.class_names,
            truncation=options.truncation,
            speed=options.speed,
            loop=options.loop,
        ).take(held)
        stream = stream.with_frame_rate(options.frame_rate)
        video = stream.grid(options.rows) if options.grid else stream.video(options.seeds.index(int(str(about.seed))))
        return video.scaled(options.scale, options.scale_method)

    def interpolate(
        self,
        stops: Sequence[AnyStop],
        frames: int | None = None,
        *,
        axis: str = "content",
        hold: int = 0,
        ease: bool = False,
        loop: bool = False,
        truncation: float = 1.0,
        classes: str | None = None,
        refine: int = 100,
        progress: Progress | None = None,
    ) -> VideoStream:
        """Return one video that moves from stop to stop: seeds, latents, or files that hold a clip or latents.

        With ``axis="content"`` the content morphs while the first stop's motion goes on; ``motion`` and ``both`` move
        the motion. ``frames`` are 64 from stop to stop where they are not given, ``hold`` of them spent at each stop;
        ``ease`` begins and ends every move gently. Seeds are all of the named class, or of the first seed's; clips of
        the class of lowest error, after ``refine`` steps. Beyond its end the motion of stop k goes on by seed k.

        Raises:
            UsageError: there is no stop or no such class, or an option is out of range.
        """
        move: dict[str, Any] = {"axis": morphing.check_axis(axis), "ease": ease, "loop": loop, "truncation": truncation}
        length = morphing.default_frames(len(stops), hold_frames=hold, loop=loop) if frames is None else frames
        options = {**move, "swap": False, "hold": hold, "class_name": classes}
        about = self.provenance_of_stops(stops, length, truncation, options)
        morphing.check_hold(len(stops), num_frames=length, hold_frames=hold, loop=loop)
        loaded = self.stops(stops, classes, refine, progress)
        make = partial(morphing.morph, self.generator, loaded, num_frames=length, hold_frames=hold, **move)
        return self.videos(make, length, about)

    def swap(
        self,
        stops: Sequence[AnyStop],
        frames: int = 64,
        *,
        truncation: float = 1.0,
        classes: str | None = None,
        refine: int = 100,
        progress: Progress | None = None,
    ) -> VideoStream:
        """Return a grid of every content (rows) with every motion (columns); the stops are those of ``interpolate``.

        Raises:
            UsageError: there are too many stops, or as for ``interpolate``.
        """
        if len(stops) > LARGEST_SWAP:
            raise UsageError(f"a swap shows at most {LARGEST_SWAP} stops with each other, not {len(stops)}")
        options = {"swap": True, "truncation": truncation, "class_name": classes}
        about = self.provenance_of_stops(stops, frames, truncation, options)
        loaded = self.stops(stops, classes, refine, progress)
        make = partial(morphing.swap, self.generator, loaded, num_frames=frames, truncation=truncation)
        return self.videos(make, frames, about * len(stops) ** 2).grid(len(stops))

    def reconstruct(
        self,
        clip: np.ndarray,
        *,
        refine: int = 0,
        class_name: str | None = None,
        progress: Progress | None = None,
    ) -> Reconstruction:
        """Encode a clip as :meth:`encode` does, and show it to the left of what its latents make.

        Raises:
            UsageError: it is no such clip, or there is no such class.
        """
        on_device = self.checked_clip(clip)
        encoded = self.invert(on_device, inversion.Refinement(refine), class_name, progress)
        real, name = on_device[None].cpu(), self.class_name(encoded.latents)
        frames = [torch.cat(list(inversion.render(self.generator, encoded.latents)), dim=1).cpu()]
        if refine:
            frames.insert(0, torch.cat(list(inversion.render(self.generator, encoded.encoder)), dim=1).cpu())
        encoder, *refined = [{"psnr": psnr(one, real), "ssim": ssim(one, real)} for one in frames]
        about = self.provenance("reconstruct", {"refine": refine, "class_name": name}, frames=len(clip))
        stream = self.videos(lambda: iter(frames[-1:]), len(clip), about).beside(clip)
        return Reconstruction(encoded.latents, name, encoder, refined[0] if refined else None, stream)

    def predict(
        self,
        clip: np.ndarray,
        frames: int = 64,
        *,
        seeds: Sequence[int] = (0,),
        refine: int = 100,
        class_name: str | None = None,
        progress: Progress | None = None,
    ) -> VideoStream:
        """Return the frames that may come after a clip, one video per seed; each seed is another future.

        ``figures`` of the stream: ``class``, the clip's ``median_change`` from frame to frame in levels of 255, and
        once the first frame is made, each future's ``change_at_join`` from the clip's last one.

        Raises:
            UsageError: it is no clip as ``encode`` takes it, there is no such class, or an option is out of range.
        """
        seeds = checked_options({"frames": frames, "seeds": tuple(seeds)}).seeds
        real = self.checked_clip(clip)
        end = prediction.tail(real)
        refinement = prediction.refinement_of_tail(refine, len(end))
        latents = self.invert(end, refinement, class_name, progress).latents
        name = self.class_name(latents)
        inside = float(np.median(prediction.mean_change(real[1:], real[:-1]).cpu()) * 127.5) if len(clip) > 1 else None
        figures: dict[str, Any] = {"class": name, "median_change": inside}

        def make() -> Iterator[Tensor]:
            chunks = prediction.predict(self.generator, end, latents, seeds, num_frames=frames)
            return prediction.noting_joins(chunks, end[-1], figures)

        about = self.provenance("predict", {"refine": refine, "class_name": name}, frames=frames, seeds=seeds)
        return self.videos(make, frames, about, figures)


def load(path: AnyPath | None = None, device: str | torch.device | None = None, *, best: bool = False) -> Model:
    """Load a run folder, a checkpoint or a weights file; None is the run that was last trained, or the shipped model.

    ``best`` takes a run's checkpoint of lowest kernel distance.

    Raises:
        MissingPathError: there is no such path.
        CheckpointError: it holds no usable model.
        UsageError: there is no such device, or the best is asked for of what is no run.
    """
    on = pick_device("auto" if device is None else str(device))
    file = find_weights(None if path is None else Path(path), best=best)
    weights = load_weights(file, on)
    return Model(weights.generator, weights.encoder, weights.card, on, file)
