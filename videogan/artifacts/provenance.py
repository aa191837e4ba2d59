"""What a video was made by, as JSON in the file itself: enough to make the same frames again.

Files come from anywhere, so what they say is bounded before it is used.
"""

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from videogan.errors import UsageError, VideoError
from videogan.storage.member import Member
from videogan.video.probe import read_comment

VERSIONS_OF = ("torch", "av", "numpy")
MAX_FRAMES = 10**9
MAX_LOOP_FRAMES = 10**6
"""A loop's motion codes are held, about a kilobyte for four frames."""
MAX_VIDEOS = 100
MAX_TEXT = 2**17
"""Characters of a comment that is parsed."""

LARGEST_SEED = 10**1000 - 1
"""Any whole number is a seed, as long as a hundred of them find room in a comment."""

Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]
NumFrames = Annotated[int, Field(ge=1, le=MAX_FRAMES)]
ShortText = Annotated[str, Field(max_length=1000)]


class SampleOptions(BaseModel):
    """What ``videogan sample`` makes, besides the model: the same options give the same frames.

    ``seeds`` are those of the videos that were made together, because a batch of another size may round differently;
    ``grid`` lays them out as one video.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    frames: NumFrames | Literal["inf"] = 64
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1, max_length=MAX_VIDEOS)] = (0,)
    class_names: Annotated[str, Field(max_length=10_000)] | None = None
    truncation: Annotated[float, Field(ge=0, le=1)] = 1.0
    speed: Annotated[float, Field(ge=0.05, le=8)] = 1.0
    loop: bool = False
    grid: Annotated[str, Field(pattern=r"^[1-9]\d?x[1-9]\d?$")] | None = None
    frame_rate: Annotated[float, Field(gt=0, le=1000)] | None = None
    scale: Annotated[int, Field(ge=1, le=32)] = 1
    scale_method: Literal["lanczos", "bicubic"] = "bicubic"
    """What videos were enlarged by before their recipes said it."""

    @model_validator(mode="after")
    def _a_loop_has_an_end(self) -> Self:
        if self.loop and (self.frames == "inf" or self.frames > MAX_LOOP_FRAMES):
            raise ValueError(f"a loop has an end: frames must be at most {MAX_LOOP_FRAMES}, not {self.frames}")
        return self

    @model_validator(mode="after")
    def _the_grid_is_full(self) -> Self:
        if self.grid is not None and self.rows * int(self.grid.split("x")[1]) != len(self.seeds):
            raise ValueError(f"grid {self.grid} must have as many places as there are seeds, {len(self.seeds)}")
        return self

    @property
    def rows(self) -> int:
        """Rows of the grid, 1 without one."""
        return 1 if self.grid is None else int(self.grid.split("x")[0])


class Provenance(BaseModel):
    """The command, the model, and the options behind one video.

    ``ancestor_sha256`` is the hash of the tensors that the model's training started from, if it started from a model.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, protected_namespaces=())

    videogan: ShortText
    command: ShortText
    model_sha256: ShortText
    ancestor_sha256: Annotated[ShortText | None, Field(exclude_if=lambda sha256: sha256 is None)] = None
    step: Annotated[int, Field(ge=0, lt=2**63)]
    seed: Seed | list[Seed] | None
    frames: NumFrames | Literal["inf"]
    options: dict[str, Any]
    device: ShortText
    versions: dict[str, ShortText]

    def with_options(self, **changes: object) -> "Provenance":
        """Return the same with some of its options changed."""
        return self.model_copy(update={"options": self.options | changes})


def checked_options(values: Mapping[str, Any]) -> SampleOptions:
    """Return options from a user's values.

    Raises:
        UsageError: one of them is out of range.
    """
    try:
        return SampleOptions.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:
            raise UsageError(first["msg"].removeprefix("Value error, ")) from None
        name, reason = str(first["loc"][0]), first["msg"].replace("Input should", "must").replace("should", "must")
        raise UsageError(f"{name} {str(values[name])[:60]}: {reason}") from None


def package_version(name: str) -> str:
    """Return the version of a package, ``not installed`` where there is none, as of this one in a bare checkout."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of Python and of packages, by default of those that decide which frames are made."""
    return {"python": platform.python_version(), **{name: package_version(name) for name in packages or VERSIONS_OF}}


def environment(device: str, *packages: str) -> dict[str, str]:
    """Return the machine and the versions that results depend on; ``packages`` beside those that always count."""
    counted = versions("videogan", "torch", "torchvision", "av", "numpy", *packages)
    return {"device": device, "platform": platform.platform(), **counted}


def read_provenance(path: Path | Member) -> Provenance | None:
    """Return the provenance in a video file, or None where there is none that can be read."""
    if isinstance(path, Path) and path.is_dir():
        return None
    try:
        comment = read_comment(path)
        return Provenance.model_validate_json(comment) if comment and len(comment) <= MAX_TEXT else None
    except (VideoError, ValidationError):
        return None


def scale_of(path: Path | Member) -> int:
    """Return how many times the frames of a video were enlarged by videogan, 1 where it does not say."""
    about = read_provenance(path)
    scale = 1 if about is None else about.options.get("scale", 1)
    return scale if isinstance(scale, int) and scale >= 1 else 1


def sample_options(path: Path) -> tuple[Provenance, SampleOptions]:
    """Return the provenance of a video that ``videogan sample`` made, and its options.

    Raises:
        VideoError: it has no provenance, or another command's, or a damaged one.
    """
    provenance = read_provenance(path)
    if provenance is None:
        raise VideoError(path, "holds no recipe of videogan's, so it cannot be made again")
    if provenance.command != "sample":
        raise VideoError(path, f"was made by `videogan {provenance.command}`; --like repeats only what sample made")
    try:
        options = SampleOptions.model_validate(provenance.options)
    except ValidationError:
        raise VideoError(path, "its recipe is damaged, or of another version of videogan") from None
    if provenance.seed not in options.seeds:
        raise VideoError(path, "its recipe is damaged: its seed is not among those that were made together")
    return provenance, options
