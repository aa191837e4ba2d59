"""Which options of a command were given, for those that do not go together."""

from collections.abc import Iterable, Sequence
from typing import Any

import typer

from videogan.errors import MissingPathError, UsageError


def given_options(context: typer.Context, names: Iterable[str]) -> list[str]:
    """Return those of the parameters ``names`` that stand on the command line, as the user writes them."""
    found = []
    for name in names:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            found.append("--" + {"pipe_format": "format", "class_name": "class"}.get(name, name).replace("_", "-"))
    return found


def refuse_options(context: typer.Context, names: Iterable[str], why: str) -> None:
    """Raise UsageError if one of the parameters ``names`` is given; ``why`` begins the message."""
    given = given_options(context, names)
    if given:
        raise UsageError(f"{why}; leave out {', '.join(given)}")


def check_input(path: object) -> None:
    """Raise MissingPathError where a video to be read is not there: told before torch is loaded."""
    import os

    if not os.path.lexists(str(path)):
        raise MissingPathError(f"{path}: no such video")


def parse_settings(settings: Sequence[str], preset: str | None) -> dict[str, Any]:
    """Read ``group.key=value`` settings; a wrong preset, key or value is told here, before torch is loaded.

    Raises:
        UsageError: with the nearest that there is.
    """
    from videogan import presets

    changes = dict(map(presets.parse_setting, settings))
    if preset is not None:
        presets.change(presets.preset(preset), changes)
    return changes
