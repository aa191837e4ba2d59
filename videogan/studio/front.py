"""The page itself, which is there at once, and before everything behind it, which takes torch seconds to make."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from anyio import Event, create_task_group, to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from videogan.studio.guard import Guard

STATIC = Path(__file__).parent / "static"


def front(
    make: Callable[[], Starlette],
    *,
    host: str = "127.0.0.1",
    token: str | None = None,
    failed: Callable[[Exception], None] | None = None,
) -> Starlette:
    """Return the guarded page as an ASGI application; what it asks for waits until ``make`` has made the rest.

    Args:
        make: makes the application behind the page, in a thread.
        host: the address that the studio listens on.
        token: what a viewer from elsewhere must show.
        failed: called with the error where ``make`` raises one, after which nothing is answered any more.
    """
    rest = _Rest(make, failed)
    return Starlette(
        routes=[Route("/", _page), Mount("/static", StaticFiles(directory=STATIC)), Mount("/", rest)],
        middleware=[Middleware(Guard, host=host, token=token)],
        lifespan=rest.lifespan,
    )


async def _page(request: Request) -> Response:
    return FileResponse(STATIC / "index.html")


class _Rest:
    """An application that is made while its first requests wait."""

    def __init__(self, make: Callable[[], Starlette], failed: Callable[[Exception], None] | None) -> None:
        self._make, self._failed = make, failed
        self._app: Starlette | None = None

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """Make the application in the background, begin its lifespan, and end it with the server's."""
        self._is_made = Event()
        async with AsyncExitStack() as stack, create_task_group() as tasks:

            async def make() -> None:
                try:
                    made = await to_thread.run_sync(self._make, abandon_on_cancel=True)
                except Exception as error:
                    if self._failed is None:
                        raise
                    self._failed(error)
                    return
                await stack.enter_async_context(made.router.lifespan_context(made))
                self._app = made
                self._is_made.set()

            tasks.start_soon(make)
            yield
            tasks.cancel_scope.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, once there is something that it can be passed to."""
        await self._is_made.wait()
        assert self._app is not None
        await self._app(scope, receive, send)
