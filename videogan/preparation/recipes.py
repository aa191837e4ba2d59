"""Dataset recipes: TOML files that say which files of a dataset are videos, their classes, and how to cut them."""

import os
import sysconfig
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from videogan.errors import MissingPathError, UsageError, did_you_mean
from videogan.files import printable, read_bytes
from videogan.preparation.matching import check_pattern

Pattern = Annotated[str, AfterValidator(check_pattern)]
MIN_SIZE, MAX_SIZE = 8, 4096
MAX_COUNT = 1_000_000
MAX_BYTES = 1 << 20
"""Of a recipe."""
MAX_DRAWN_BYTES = 1 << 30
"""Of a video that is drawn, which is held until it is written."""
Size = Annotated[int, Field(ge=MIN_SIZE, le=MAX_SIZE)]
FrameRate = Annotated[float, Field(gt=0, le=1000)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Layout(_Part):
    """Which paths below the raw folder are videos: ``video`` matches all of one, its group ``label`` is the class."""

    video: Pattern
    splits: dict[str, Pattern] = {}


class Cutting(_Part):
    """How a video becomes clips: pixels, frames per second (None: its own), lengths in frames, scene changes."""

    size: Size = 64
    fit: Literal["crop", "letterbox"] = "crop"
    frame_rate: FrameRate | None = None
    min_frames: Annotated[int, Field(ge=1)] = 16
    max_frames: Annotated[int, Field(ge=1)] | None = None
    scene_cuts: bool = False
    scene_threshold: Annotated[float, Field(gt=0, le=100)] = 10.0


class VideosRecipe(_Part):
    """A dataset of real videos, which the user has to fetch."""

    kind: Literal["videos"]
    title: str
    homepage: str
    licence: str
    citation: str = ""
    note: str = ""
    layout: Layout
    clips: Cutting = Cutting()


class SyntheticRecipe(_Part):
    """A dataset that is drawn: ``count`` videos of ``num_frames`` frames."""

    kind: Literal["moving-shapes", "moving-digits", "moving-figures", "stacked-digits"]
    title: str
    count: Annotated[int, Field(ge=1, le=MAX_COUNT)] = 300
    num_frames: Annotated[int, Field(ge=1, le=MAX_COUNT)] = 64
    size: Size = 64
    frame_rate: FrameRate = 25.0
    num_digits: Annotated[int, Field(ge=1, le=2)] = 1


Recipe = VideosRecipe | SyntheticRecipe
_ADAPTER: TypeAdapter[Recipe] = TypeAdapter(Annotated[Recipe, Field(discriminator="kind")])


def recipe_folders() -> list[Path]:
    """Folders that may hold the recipes that come with videogan: of a checkout, then of an installation."""
    beside = Path(__file__).resolve().parents[2]
    shared = Path("share", "videogan", "datasets")
    user = sysconfig.get_path("data", sysconfig.get_preferred_scheme("user"))
    installed = [Path(sysconfig.get_path("data")), Path(user), beside]
    return [folder for folder in [beside / "datasets", *(root / shared for root in installed)] if folder.is_dir()]


def recipe_names() -> list[str]:
    """Names of the recipes that come with videogan."""
    return sorted({path.stem for folder in recipe_folders() for path in folder.glob("*.toml")})


def load_recipe(name_or_path: str) -> Recipe:
    """The recipe of that name, or in that TOML file.

    Raises:
        UsageError: no such recipe, or the file is not a valid one (with the first thing that is wrong).
    """
    if name_or_path.endswith(".toml") or "/" in name_or_path:
        path = Path(name_or_path)
        if not os.path.isfile(path):  # noqa: PTH113 (answers where the path cannot be asked)
            raise MissingPathError(f"{printable(path)}: no such recipe file")
        return _parse(path)
    for folder in recipe_folders():
        path = folder / f"{name_or_path}.toml"
        if path.is_file():
            return _parse(path)
    names = recipe_names()
    raise UsageError(
        f"unknown recipe {name_or_path!r}{did_you_mean(name_or_path, names)}; known: {', '.join(names)}, or the path "
        "of a .toml file"
    )


def _parse(path: Path) -> Recipe:
    try:
        return _ADAPTER.validate_python(tomllib.loads(read_bytes(path, limit=MAX_BYTES).decode()))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:])
        key = str(first["loc"][-1]) if first["loc"] else ""
        fields = [name for part in (VideosRecipe, SyntheticRecipe, Layout, Cutting) for name in part.model_fields]
        hint = did_you_mean(key, fields) if first["type"] == "extra_forbidden" else ""
        raise UsageError(f"{printable(path)}: {where or 'recipe'}: {first['msg']}{hint}") from None
    except RecursionError:
        raise UsageError(f"{printable(path)}: not a readable TOML file (nested too deeply)") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{printable(path)}: not a readable TOML file ({reason!s:.300})") from None
