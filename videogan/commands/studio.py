"""``videogan studio``: a page on which a model is played, clips are dropped, and runs are watched."""

from pathlib import Path
from typing import Annotated

import typer

import videogan
from videogan.commands.console import echo

RunArgument = Annotated[
    Path | None, typer.Argument(help="Run folder, checkpoint or weights file to begin with; by default the newest run.")
]
HostOption = Annotated[
    str, typer.Option(help="Address to listen on; from another one than this machine's own a token is asked for.")
]
PortOption = Annotated[int | None, typer.Option(min=0, max=65535, help="By default 8600, or any that is free.")]
WatchOption = Annotated[
    Path | None, typer.Option(metavar="RUN", help="List this run too: one elsewhere than in runs/, or yet to begin.")
]


def studio(
    run: RunArgument = None, host: HostOption = "127.0.0.1", port: PortOption = None, watch: WatchOption = None
) -> None:
    """Open a local page: play a model without an end, drop clips, watch runs train.

    Serves until Ctrl-C.
    """
    videogan.serve(run, host=host, port=port, watch=watch, ready=echo)
