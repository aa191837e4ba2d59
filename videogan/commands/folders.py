"""One file in, or a folder of them: commands that work on either share this."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import videogan
from videogan.commands import options
from videogan.commands.console import echo
from videogan.errors import UsageError

Report = dict[str, Any]


def holds_files(source: Path, out: Path, *, count: int = 1, overwrite: bool, pictures: bool = False) -> bool:
    """Tell whether IN stands for every file in it; a folder of numbered images is one video.

    Raises:
        MissingPathError: there is no such file or folder.
        UsageError: OUT cannot be what is written for it.
    """
    from videogan.video.images import numbered_images

    options.check_input(source)
    if not source.is_dir() or (numbered_images(source) and not pictures):
        options.output_paths(out, count, overwrite=overwrite)
        return False
    if count != 1:
        raise UsageError("a folder goes in, so every file gives one video; leave out --count")
    if out.suffix or out == options.STDOUT:
        raise UsageError(f"{out}: a folder goes in, so a folder comes out; name one without a suffix")
    return True


def run(
    one: Callable[[Any, Path], Report],
    source: Any,
    out: Path,
    lines: Callable[[Report], list[str]],
    *,
    whole_folder: bool,
    as_json: bool = False,
    overwrite: bool,
    pictures: bool = False,
) -> None:
    """Do ``one(source, out)``, or the same for each file of the folder ``source``, and print what it reports."""
    if not whole_folder:
        report = one(source, out)
        echo(*([json.dumps(report)] if as_json else lines(report)))
        return
    batch = videogan.for_each(source, out, one, pictures=pictures, overwrite=overwrite)
    if as_json:
        rejected = [{"file": str(path), "reason": reason} for path, reason in batch.rejected]
        files = [{"file": str(path), **report} for path, report in batch.results.items()]
        echo(json.dumps({"files": files, "skipped": [str(path) for path in batch.skipped], "rejected": rejected}))
    else:
        echo(*(line for report in batch.results.values() for line in lines(report)))
