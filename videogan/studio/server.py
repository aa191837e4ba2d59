"""``videogan.serve``: serves the page until it is told to stop."""

import errno
import logging
import os
import secrets
import socket
import subprocess
import sys
from asyncio import CancelledError
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videogan.errors import UsageError

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from videogan.studio.video_store import VideoStore

PORT = 8600
GRACE_SECONDS = 1
"""How long viewers may finish what they are at when the studio stops."""
MOST_CONNECTIONS = 128
LOW_PRIORITY = 10
LONGEST_MESSAGE = 64 * 1024


def serve(
    run: str | os.PathLike[str] | None = None,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    watch: str | os.PathLike[str] | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve a page on which a model is played, clips are dropped and runs are watched, until Ctrl-C or SIGTERM.

    Args:
        run: a run, a checkpoint or a weights file to begin with; None for the newest run, or the shipped model.
        host: the address to listen on; from another one than this machine's own a token is asked for.
        port: of TCP; 0 is any that is free, None is 8600 or else any that is free.
        watch: a run folder that is listed too, though it lies elsewhere than under ``runs/`` or is yet to begin.
        ready: called with the page's address once it can be opened.

    Raises:
        UsageError: the packages are not installed, or the address cannot be listened on.
        MissingPathError, CheckpointError: there is no model to begin with.
    """
    try:
        import uvicorn
        import websockets  # noqa: F401 (without it uvicorn would refuse every player)

        from videogan.studio.front import front
        from videogan.studio.guard import LOOPBACK
    except ImportError as error:
        raise UsageError(f"the studio needs {error.name}, not installed here: pip install 'videogan[studio]'") from None
    from videogan.artifacts.runs import find_weights
    from videogan.studio.video_store import VideoStore

    first, watched = None if run is None else Path(run), None if watch is None else Path(watch)
    listener = _listen(host, port)
    token = None if host in LOOPBACK else secrets.token_urlsafe(24)
    problems: list[Exception] = []

    def failed(error: Exception) -> None:
        problems.append(error)
        server.should_exit = True

    with listener, VideoStore() as store:
        find_weights(first)
        config = uvicorn.Config(
            front(lambda: _studio(first, watched, store), host=host, token=token, failed=failed),
            log_level="error",
            lifespan="on",
            ws_max_size=LONGEST_MESSAGE,
            ws_per_message_deflate=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_graceful_shutdown=GRACE_SECONDS,
            server_header=False,
        )
        logging.getLogger("uvicorn.error").addFilter(_is_no_end_of_grace)
        server = uvicorn.Server(config)
        if ready is not None:
            ready(_address(host, listener, token))
        server.run(sockets=[listener])
    if problems:
        raise problems[0]


def _address(host: str, listener: socket.socket, token: str | None) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}/" + (f"?token={token}" if token else "")


def _is_no_end_of_grace(record: logging.LogRecord) -> bool:
    """Tell whether a record is worth showing: a viewer's request that ends with the studio is no error."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, CancelledError) and "graceful shutdown exceeded" not in record.getMessage()


def _studio(first: Path | None, watched: Path | None, store: "VideoStore") -> "Starlette":
    """Return what stands behind the page; torch and the first model take seconds to load."""
    from videogan.studio.app import studio_app
    from videogan.studio.library import Library

    library = Library(first, watched=watched)
    library.model()
    return studio_app(library, store)


@contextmanager
def serve_beside(watch: str | os.PathLike[str] | None = None) -> Iterator[str]:
    """Serve the page in a process of its own, of low priority, while a ``with`` block works; gives the address.

    ``watch`` is a run folder to be listed, as for :func:`serve`.

    Raises:
        UsageError: the packages are not installed.
    """
    command = [sys.executable, "-m", "videogan", "studio"]
    command += [] if watch is None else ["--watch", os.fspath(watch)]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    # In a session of its own Ctrl-C does not reach it: what trains is still saving then.
    with subprocess.Popen(command, start_new_session=True, **pipes) as server:
        try:
            os.setpriority(os.PRIO_PROCESS, server.pid, LOW_PRIORITY)
            assert server.stdout is not None and server.stderr is not None
            address = server.stdout.readline().strip()
            if not address:
                raise UsageError(server.stderr.read().strip().removeprefix("error: "))
            yield address
        finally:
            server.terminate()


def _listen(host: str, port: int | None) -> socket.socket:
    """Return a socket that listens; None is PORT, or any free one where that is taken."""
    if port is not None and not 0 <= port < 2**16:
        raise UsageError(f"port {port}: must be from 0 to 65535")
    for number in (PORT, 0) if port is None else (port,):
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            return socket.create_server((host, number), family=family)
        except OSError as error:
            in_use = error.errno == errno.EADDRINUSE
            if port is None and number and in_use:
                continue
            reason = "it is in use; name another by --port" if in_use else error.strerror or error
            raise UsageError(f"{host}:{number}: cannot be listened on ({reason})") from None
    raise AssertionError("port 0 is always tried")
