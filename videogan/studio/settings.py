"""What a viewer sets: what it means as a video, as a command line, and as read back from a video's recipe."""

import shlex
from dataclasses import replace
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from videogan.artifacts.provenance import Provenance, SampleOptions
from videogan.generation.steering import Controls
from videogan.generation.video_stream import VideoStream
from videogan.model import Model
from videogan.video import to_float

LONGEST_LOOP = 256
LONGEST_VIDEO = 4096


class Settings(BaseModel):
    """Controls, and how the frames that they make are shown."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    controls: Controls = Controls()
    frames: Annotated[int, Field(ge=1, le=LONGEST_VIDEO)] = 128
    loop: bool = False
    frame_rate: Annotated[float, Field(ge=1, le=120)] | None = None


def class_text(model: Model, controls: Controls) -> str | None:
    """Return the name of the class of controls, that of the largest share in a mix; None without classes."""
    if not model.class_names:
        return None
    shares = controls.classes
    label = controls.seeds[0] % len(model.class_names) if shares is None else int(np.argmax(shares))
    return model.class_names[label]


def is_sample(model: Model, controls: Controls) -> bool:
    """Tell whether ``videogan sample`` has options for everything that the controls say."""
    one_class = controls.classes is None or max(controls.classes) == sum(controls.classes)
    one_seed = controls.at == 0 and controls.motion_seed in (None, controls.seeds[0])
    return one_class and one_seed and controls.offsets == (0, 0)


def video(model: Model, settings: Settings) -> VideoStream:
    """Return the video of settings; a loop shows what ``sample`` can, the first seed and the main class.

    Raises:
        UsageError: the controls do not fit the model.
    """
    controls = settings.controls
    if settings.loop or is_sample(model, controls):
        model.steer(controls)
        stream = model.sample(
            settings.frames,
            seeds=[controls.seeds[0]],
            classes=class_text(model, controls),
            truncation=controls.truncation,
            speed=controls.speed,
            loop=settings.loop,
        )
    else:
        stream = model.steer(controls).take(settings.frames)
    return stream if settings.frame_rate is None else stream.with_frame_rate(settings.frame_rate)


def recording_video(model: Model, timeline: list[tuple[int, Controls]], frames: np.ndarray) -> VideoStream:
    """Return frames ``t h w c`` that were made along a timeline, with a recipe that makes them again."""
    again = model.steer(timeline).take(len(frames))
    return replace(again, make=lambda: iter([to_float(frames)[None]]))


def command(model: Model, settings: Settings) -> str:
    """Return what to type for the same video: a command, or lines of Python where no command has all of it."""
    controls, rate = settings.controls, settings.frame_rate
    if not settings.loop and not is_sample(model, controls):
        after = "" if rate is None else f".with_frame_rate({rate:g})"
        arguments = ", ".join(f"{name}={value!r}" for name, value in controls.model_dump(exclude_defaults=True).items())
        return (
            "import videogan\n"
            f"model = videogan.load({str(model.path)!r})\n"
            f'model.steer(videogan.Controls({arguments})).take({settings.frames}){after}.save("out.mp4")'
        )
    words = ["videogan", "sample", "--run", str(model.path), "--seed", str(controls.seeds[0])]
    words += ["--frames", str(settings.frames)]
    if (name := class_text(model, controls)) is not None:
        words += ["--class", name]
    for option, value in (("truncation", controls.truncation), ("speed", controls.speed)):
        words += [f"--{option}", f"{value:g}"] if value != 1 else []
    words += ["--frame-rate", f"{rate:g}"] if rate is not None else []
    return shlex.join([*words, *(["--loop"] if settings.loop else []), "out.mp4"])


def settings_of(about: Provenance, class_names: tuple[str, ...]) -> Settings | None:
    """Return the settings behind a video that ``sample`` or the studio made, or None where they are not known."""
    try:
        if about.command == "studio":
            options = _Timeline.model_validate(about.options)
            frames = 128 if about.frames == "inf" else min(about.frames, LONGEST_VIDEO)
            return Settings(controls=options.timeline[-1][1], frames=frames, frame_rate=options.frame_rate)
        if about.command == "sample" and isinstance(about.seed, int):
            return _sampled(SampleOptions.model_validate(about.options), about.seed, class_names)
    except ValidationError:
        pass
    return None


class _Timeline(BaseModel):
    """The options in the recipe of a steered video."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    timeline: Annotated[list[tuple[int, Controls]], Field(min_length=1)]
    frame_rate: Annotated[float, Field(ge=1, le=120)] | None = None


def _sampled(options: SampleOptions, seed: int, class_names: tuple[str, ...]) -> Settings:
    name = (options.class_names or "").split(",")[0].strip()
    shares = tuple(float(name == other) for other in class_names) if name in class_names else None
    controls = Controls(seeds=(seed,), classes=shares, truncation=options.truncation, speed=options.speed)
    frames = LONGEST_VIDEO if options.frames == "inf" else min(options.frames, LONGEST_VIDEO)
    return Settings(controls=controls, frames=frames, loop=options.loop, frame_rate=options.frame_rate)
