"""The command line: registers the commands and turns errors into one line and an exit code."""

import sys
from contextlib import suppress
from typing import NoReturn

import typer
from typer.exceptions import TyperException

import videogan
from videogan.commands.animate import animate
from videogan.commands.console import console_log, printable
from videogan.commands.doctor import doctor
from videogan.commands.evaluate import evaluate
from videogan.commands.export import export
from videogan.commands.inspect import inspect
from videogan.commands.interpolate import interpolate
from videogan.commands.predict import predict
from videogan.commands.prepare import prepare
from videogan.commands.reconstruct import reconstruct
from videogan.commands.sample import sample
from videogan.commands.settings import settings
from videogan.commands.studio import studio
from videogan.commands.train import train
from videogan.commands.translate import translate
from videogan.errors import Interrupted, VideoganError, wants_memory
from videogan.signals import sigterm_unwinds

HELP = {"help_option_names": ["-h", "--help"]}
app = typer.Typer(
    name="videogan",
    help="Learn a generative model of your own video clips, and make endless new ones.",
    context_settings=HELP,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
COMMANDS = (
    prepare,
    train,
    sample,
    interpolate,
    reconstruct,
    predict,
    animate,
    translate,
    evaluate,
    inspect,
    export,
    studio,
    settings,
    doctor,
)
for command in COMMANDS:
    app.command(context_settings=HELP)(command)
app.command("serve", hidden=True, context_settings=HELP)(studio)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(videogan.__version__)
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Show the version."),
) -> None:
    """Learn a generative model of your own video clips, and make endless new ones."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> None:
    """Run the command line and exit: 0 done, 1 bug, 2 usage, 3 data, 4 checkpoint, 5 diverged, over 128 stopped."""
    try:
        with console_log(), sigterm_unwinds():
            code = app(standalone_mode=False)
    except VideoganError as error:
        _fail(str(error), error.exit_code, interrupted=isinstance(error, Interrupted))
    except TyperException as error:  # what the parser says of arguments
        _fail(error.format_message(), 2)
    except KeyboardInterrupt:
        _fail("stopped", 130, interrupted=True)
    except OSError as error:  # of a path that nobody could ask more about
        where = f"{error.filename}: " if error.filename is not None else ""
        _fail(f"{where}{error.strerror or error}", 2)
    except (MemoryError, RuntimeError, ImportError) as error:
        if not wants_memory(error):
            raise
        _fail("not enough memory for this; ask for less at once, such as a smaller train.batch_size or --grid", 2)
    else:
        sys.exit(code)


def _fail(message: str, code: int, *, interrupted: bool = False) -> NoReturn:
    line = ("" if interrupted else "error: ") + printable(" ".join(message.split()))
    with suppress(OSError):  # with nowhere to say it, the code must do
        typer.echo(line, err=True)
    sys.exit(code)
