"""What a trained model makes of what it is given: a picture that moves, a clip of another class."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from torch import Tensor

from videogan.artifacts.provenance import checked_options
from videogan.errors import UsageError
from videogan.files import Progress
from videogan.generation import inversion, prediction
from videogan.generation.class_path import class_labels
from videogan.generation.translation import translate
from videogan.generation.video_stream import VideoStream
from videogan.metrics.paired import psnr
from videogan.model.loaded import AnyPath, LoadedModel
from videogan.video import read_picture, to_float


@dataclass(frozen=True)
class RedrawingModel(LoadedModel):
    """A model that redraws what it is given."""

    def read_picture(self, path: AnyPath) -> np.ndarray:
        """Return a photograph or drawing as the model sees it: uint8 ``h w c``, cut to its size.

        Raises:
            MissingPathError: there is no such file.
            VideoError: it is no picture that can be read.
        """
        data = self.card.config.data
        return read_picture(path, size=(data.size, data.size), fit=data.fit)

    def animate(
        self,
        picture: np.ndarray,
        frames: int = 64,
        *,
        seeds: Sequence[int] = (0,),
        motion: np.ndarray | None = None,
        refine: int = 100,
        class_name: str | None = None,
        progress: Progress | None = None,
    ) -> VideoStream:
        """Return videos that begin with a picture, uint8 ``h w c`` of the model's size; one per seed.

        The content is the picture's, by the encoder and ``refine`` steps that leave the motion free; the motion is what
        the dynamics make of a seed, or that of the clip ``motion``, uint8 ``t h w c``, and beyond its end the
        dynamics'. The first frame is the model's own drawing of the picture: ``figures`` of the stream tell its
        ``class``, and its ``psnr`` in dB.

        Raises:
            UsageError: it is no such picture or clip, there is no such class, or an option is out of range.
        """
        seeds = checked_options({"frames": frames, "seeds": tuple(seeds)}).seeds
        if picture.ndim != 3:
            raise UsageError(f"a picture of shape {picture.shape}: must be uint8 h w 3")
        followed = None if motion is None else self.encode(motion).latents
        latents = self.encode(picture[None], refine=refine, class_name=class_name, progress=progress).latents
        name, drawn = self.class_name(latents), next(inversion.render(self.generator, latents))
        figures = {"class": name, "psnr": psnr(drawn.cpu(), to_float(picture)[None, None])}
        make = partial(prediction.decode_on, self.generator, latents, seeds, frames, followed)
        about = self.provenance("animate", {"refine": refine, "class_name": name}, frames=frames, seeds=seeds)
        return self.videos(make, frames, about, figures)

    def translate(self, clip: AnyPath | np.ndarray, class_name: str) -> VideoStream:
        """Return a clip of any length shown as one of another class, its content and motion kept.

        ``clip`` is a video on disk, which is read while the frames are made, in constant memory, or uint8 ``t h w c``
        of the model's size.

        Raises:
            UsageError: there is no such class, or it is no such clip.
            MissingPathError, VideoError: there is no such video, or it cannot be read.
        """
        label, window = class_labels(class_name, self.class_names)[0], self.card.config.data.num_frames
        if isinstance(clip, np.ndarray):
            num_frames = len(self.checked_clip(clip))
        else:
            with self.open_video(clip) as reader:
                num_frames = len(reader)

        def frames() -> Iterator[Tensor]:
            if isinstance(clip, np.ndarray):
                yield from map(to_float, clip)
                return
            with self.open_video(clip) as reader:
                yield from map(to_float, reader.frames())

        make = partial(translate, self.generator, self.encoder, frames, label, window=window, num_frames=num_frames)
        about = self.provenance("translate", {"class_name": class_name}, frames=num_frames)
        return self.videos(make, num_frames, about, {"class": class_name})
