"""``videogan settings``: what can be set, to what, and what it does."""

import json
from typing import Annotated

import typer

import videogan
from videogan.commands.console import echo
from videogan.commands.options import PRESET_LIST, JsonOption


def settings(
    group: Annotated[
        str | None, typer.Argument(metavar="[GROUP]", help="One group, such as data; by default all.")
    ] = None,
    preset: Annotated[
        str,
        typer.Option(
            metavar="NAME", show_default=False, help=f"Whose values; by default those of cpu:\n\n{PRESET_LIST}"
        ),
    ] = "cpu",
    as_json: JsonOption = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print a table in Markdown.")] = False,
) -> None:
    """Show every setting, its value in a preset, what it may be and what it does.

    `videogan train CLIPS --set NAME=VALUE` changes one.
    """
    rows = videogan.settings(preset, group)
    if as_json:
        echo(*json.dumps([row._asdict() for row in rows], indent=2).split("\n"))
    elif as_markdown:
        echo("| setting | value | may be | what it does |", "|---|---|---|---|")
        echo(*(f"| `{row.name}` | `{json.dumps(row.value)}` | {row.allowed} | {row.about} |" for row in rows))
    else:
        for row in rows:
            echo(f"{row.name} = {json.dumps(row.value)}    ({row.allowed})", f"    {row.about}")
