"""The command line: registers the commands and turns errors into one line and an exit code."""

import inspect as inspection
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Annotated, Any, NoReturn

import typer
from typer.exceptions import TyperException

import videogan
from videogan.commands.animate import animate
from videogan.commands.console import console_log, printable, say_less, say_more
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
from videogan.signals import Terminated, signals_unwind

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


Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but results and errors.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say more: what is decided, when, and why.")]


def _with_verbosity(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command with two more options, which it need not know of."""

    @wraps(command)
    def with_verbosity(*, quiet: bool, verbose: bool, **arguments: Any) -> None:
        if quiet:
            say_less()
        elif verbose:
            say_more()
        command(**arguments)

    signature = inspection.signature(command, eval_str=True)
    more = [
        inspection.Parameter(name, inspection.Parameter.KEYWORD_ONLY, default=False, annotation=annotation)
        for name, annotation in (("quiet", Quiet), ("verbose", Verbose))
    ]
    parameters = [*signature.parameters.values(), *more]
    with_verbosity.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    with_verbosity.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return with_verbosity


for command in COMMANDS:
    app.command(context_settings=HELP)(_with_verbosity(command))
app.command("serve", hidden=True, context_settings=HELP)(_with_verbosity(studio))


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
        with console_log(), signals_unwind():
            code = app(standalone_mode=False)
    except VideoganError as error:
        _fail(str(error), error.exit_code, interrupted=isinstance(error, Interrupted))
    except TyperException as error:  # what the parser says of arguments
        _fail(error.format_message(), 2)
    except Terminated as stop:
        _fail(str(stop), stop.exit_code, interrupted=True)
    except KeyboardInterrupt:  # a second Ctrl-C, which did not wait
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
