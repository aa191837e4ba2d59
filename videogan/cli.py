"""The command line: registers the commands and turns errors into one line and an exit code."""

import sys

import typer

from videogan import __version__
from videogan.commands.inspect import inspect
from videogan.commands.interpolate import interpolate
from videogan.commands.prepare import prepare
from videogan.commands.sample import sample
from videogan.commands.train import train
from videogan.errors import VideoganError

app = typer.Typer(
    name="videogan",
    help="Learn a generative model of your own video clips, and make endless new ones.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for command in (prepare, train, sample, interpolate, inspect):
    app.command()(command)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Show the version."),
) -> None:
    """Learn a generative model of your own video clips, and make endless new ones."""


def main() -> None:
    """Run the command line and exit: 0 done, 1 bug, 2 usage, 3 data, 4 checkpoint, 5 diverged, 130 and 143 stopped."""
    try:
        app()
    except VideoganError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)
        sys.exit(130)
