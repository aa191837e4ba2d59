"""What a video was made by, as JSON in the file itself: enough to make the same frames again."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from videogan import __version__
from videogan.errors import VideoError
from videogan.video import read_comment

VERSIONS_OF = ("torch", "av", "numpy")


class SampleOptions(BaseModel):
    """What ``videogan sample`` makes, besides the model: the same options give the same frames.

    ``seeds`` are those of the videos that were made together, because a batch of another size may round differently;
    ``grid`` lays them out as one video.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    frames: int | Literal["inf"] = 64
    seeds: tuple[int, ...] = (0,)
    class_names: str | None = None
    truncation: float = Field(default=1.0, ge=0, le=1)
    speed: float = Field(default=1.0, ge=0.05, le=8)
    loop: bool = False
    grid: str | None = None
    frame_rate: float | None = Field(default=None, gt=0)


class Recipe(BaseModel):
    """The command, the model, and the options behind one video."""

    model_config = ConfigDict(extra="ignore", frozen=True, protected_namespaces=())

    videogan: str
    command: str
    model_sha256: str
    step: int
    seed: int | list[int] | None
    frames: int | Literal["inf"]
    options: dict[str, Any]
    device: str
    versions: dict[str, str]

    def to_text(self) -> str:
        """Return the JSON that stands in the file."""
        return self.model_dump_json()


def new_recipe(
    command: str,
    *,
    model_sha256: str,
    step: int,
    seed: int | list[int] | None,
    frames: int | Literal["inf"],
    options: dict[str, Any],
    device: str,
) -> Recipe:
    """Return the recipe of a video that this program makes now."""
    versions = {"python": platform.python_version()}
    for name in VERSIONS_OF:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return Recipe(
        videogan=__version__,
        command=command,
        model_sha256=model_sha256,
        step=step,
        seed=seed,
        frames=frames,
        options=options,
        device=device,
        versions=versions,
    )


def read_recipe(path: Path) -> Recipe | None:
    """Return the recipe in a video file, or None where there is none that can be read."""
    if path.is_dir():
        return None
    try:
        comment = read_comment(path)
        return Recipe.model_validate_json(comment) if comment else None
    except (VideoError, ValidationError):
        return None


def sample_options(path: Path) -> tuple[Recipe, SampleOptions]:
    """Return the recipe of a video that ``videogan sample`` made, and its options.

    Raises:
        VideoError: it has no recipe, or another command's, or a damaged one.
    """
    recipe = read_recipe(path)
    if recipe is None:
        raise VideoError(path, "holds no recipe of videogan's, so it cannot be made again")
    if recipe.command != "sample":
        raise VideoError(path, f"was made by `videogan {recipe.command}`; --like repeats only what sample made")
    try:
        options = SampleOptions.model_validate(recipe.options)
    except ValidationError:
        raise VideoError(path, "its recipe is damaged, or of another version of videogan") from None
    if recipe.seed not in options.seeds:
        raise VideoError(path, "its recipe is damaged: its seed is not among those that were made together")
    return recipe, options
