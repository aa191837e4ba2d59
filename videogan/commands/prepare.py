"""``videogan prepare``: a dataset, drawn or already fetched, into a folder of clean, cut, resized clips."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from videogan.data.prepare import Prepared
    from videogan.data.recipes import SyntheticRecipe, VideosRecipe


def prepare(
    recipe: Annotated[str, typer.Argument(help="Recipe by name, such as moving-shapes, or a .toml file.")],
    out: Annotated[Path, typer.Argument(help="Folder for the clips; each class gets a sub-folder.")],
    raw: Annotated[Path | None, typer.Option("--from", help="The dataset, unpacked; nothing is downloaded.")] = None,
    count: Annotated[int | None, typer.Option(min=1, help="Number of videos to draw, or to take at most.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of drawn videos.")] = 0,
    size: Annotated[int | None, typer.Option(min=8, max=4096, help="Height and width, if not the recipe's.")] = None,
    split: Annotated[str | None, typer.Option(help="Only this split of the dataset, such as train.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Write into OUT even if it holds something.")] = False,
) -> None:
    """Make a folder of clips from a dataset recipe.

    moving-shapes and moving-digits are drawn on the spot. For the others, get the dataset first and name its folder
    by --from.
    """
    from videogan.data.recipes import SyntheticRecipe, load_recipe
    from videogan.errors import UsageError

    chosen = load_recipe(recipe)
    if isinstance(chosen, SyntheticRecipe):
        if raw is not None or split is not None:
            raise UsageError(f"{recipe} is drawn, so it takes neither --from nor --split")
        _check_out(out, yes=yes)
        done = _draw(chosen, out, count, size, seed)
    else:
        source = _check_raw(recipe, chosen, raw, out)
        _check_out(out, yes=yes)
        done = _cut(chosen, source, out, count, size, split)
    _report(done, out)


def _check_raw(name: str, recipe: "VideosRecipe", raw: Path | None, out: Path) -> Path:
    from videogan.errors import MissingPathError, UsageError

    if raw is None:
        note = f" {recipe.note}" if recipe.note else ""
        raise UsageError(
            f"{name} is not downloaded for you: get it from {recipe.homepage} (licence: {recipe.licence}), unpack it, "
            f"and run: videogan prepare {name} {out} --from UNPACKED_FOLDER{note and ' --' + note}"
        )
    if not raw.exists():
        raise MissingPathError(f"{raw}: no such folder; give --from the folder that the dataset was unpacked into")
    if not raw.is_dir():
        raise UsageError(f"{raw}: not a folder; unpack the dataset and give --from its folder")
    if out.resolve() == raw.resolve() or raw.resolve() in out.resolve().parents:
        raise UsageError(f"{out}: lies in the folder that --from names; choose another place for the clips")
    return raw


def _check_out(out: Path, *, yes: bool) -> None:
    from videogan.errors import UsageError

    if out.exists() and not out.is_dir():
        raise UsageError(f"{out}: exists and is not a folder; choose another name")
    if out.is_dir() and any(out.iterdir()) and not yes:
        raise UsageError(f"{out}: is not empty; use --yes to write into it, or another name")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{out}: cannot be made ({error.strerror})") from error


def _draw(recipe: "SyntheticRecipe", out: Path, count: int | None, size: int | None, seed: int) -> "Prepared":
    from videogan.commands.console import reading_bar
    from videogan.data.prepare import prepare_synthetic

    with reading_bar("drawing") as progress:
        return prepare_synthetic(
            recipe, out, count=count or recipe.count, size=size or recipe.size, seed=seed, progress=progress
        )


def _cut(
    recipe: "VideosRecipe", raw: Path, out: Path, count: int | None, size: int | None, split: str | None
) -> "Prepared":
    from videogan.commands.console import reading_bar
    from videogan.data.prepare import prepare_videos

    typer.echo(f"terms: {recipe.licence} ({recipe.homepage})", err=True)
    with reading_bar("cutting") as progress:
        return prepare_videos(recipe, raw, out, split=split, count=count, size=size, progress=progress)


def _report(done: "Prepared", out: Path) -> None:
    from videogan.data.files import printable

    for path, reason in done.rejected:
        typer.echo(f"warning: {printable(path)} is left out: {reason}", err=True)
    if done.too_short:
        typer.echo(f"warning: {done.too_short} pieces were too short and are left out", err=True)
    classes = f" in {len(done.class_names)} classes" if done.class_names else ""
    typer.echo(f"{done.clips} clips{classes}, {done.frames} frames; `videogan train {out}` learns them", err=True)
    typer.echo(printable(out))
