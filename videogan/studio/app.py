"""The studio's addresses behind its page: models and runs, dropped clips, videos to fetch, and the players."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from anyio import CapacityLimiter, to_thread
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from videogan.artifacts.provenance import read_provenance
from videogan.errors import MissingPathError, UsageError, VideoganError
from videogan.model import Model
from videogan.studio import settings, watching
from videogan.studio.clips import DroppedClips
from videogan.studio.library import Library
from videogan.studio.playing import Player
from videogan.studio.settings import Settings
from videogan.studio.uploads import receive, remove
from videogan.studio.video_store import VideoStore

MOST_VIEWERS = 8
MOST_JSON = 2**16
TRY_AGAIN_LATER, GONE, BAD_REQUEST = 1013, 404, 400


def studio_app(library: Library, store: VideoStore) -> Starlette:
    """Return what stands behind the page as an ASGI application; ``store`` must stay open while it runs."""
    studio = _Studio(library, store)
    routes = [
        Route("/api/models", studio.models),
        Route("/api/runs", studio.runs),
        Route("/api/runs/{run}", studio.run),
        Route("/api/runs/{run}/{preview}.mp4", studio.preview),
        Route("/api/command", studio.command, methods=["POST"]),
        Route("/api/videos", studio.save, methods=["POST"]),
        Route("/api/videos/{video}.mp4", studio.video),
        Route("/api/clips", studio.drop, methods=["POST"]),
        Route("/api/clips/{clip}", studio.clip),
        WebSocketRoute("/play", studio.play),
    ]
    handlers = {VideoganError: _refuse, ValidationError: _refuse}
    return Starlette(routes=routes, exception_handlers=handlers, lifespan=studio.lifespan)


class _Studio:
    def __init__(self, library: Library, store: VideoStore) -> None:
        self._library, self._store, self._clips = library, store, DroppedClips(store)
        self._threads = CapacityLimiter(MOST_VIEWERS)
        self._viewers = 0

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        yield
        self._clips.stopping = True

    def models(self, request: Request) -> Response:
        return JSONResponse({"models": list(self._library.models()), "first": self._library.first})

    def runs(self, request: Request) -> Response:
        return JSONResponse([watching.summary(run) for run in self._library.runs().values()])

    def run(self, request: Request) -> Response:
        return JSONResponse(watching.report(self._run(request)))

    def preview(self, request: Request) -> Response:
        videos = watching.previews(self._run(request))
        name = request.path_params["preview"]
        if name not in videos:
            raise MissingPathError("there is no such preview")
        return FileResponse(videos[name], media_type="video/mp4")

    async def command(self, request: Request) -> Response:
        message = Settings.model_validate_json(await _body(request))
        return JSONResponse(
            {"command": await to_thread.run_sync(settings.command, await self._model(request), message)}
        )

    async def save(self, request: Request) -> Response:
        message, model = Settings.model_validate_json(await _body(request)), await self._model(request)
        name = await to_thread.run_sync(self._store.add, settings.video(model, message), limiter=self._threads)
        return JSONResponse({"video": name})

    def video(self, request: Request) -> Response:
        path = self._store.video(request.path_params["video"])
        name = f"videogan-{path.stem[:4]}.mp4" if "download" in request.query_params else None
        return FileResponse(path, media_type="video/mp4", filename=name)

    async def drop(self, request: Request) -> Response:
        name = unquote(request.headers.get("x-file-name", ""))[:500]
        model = await self._model(request)
        path = await receive(name, request.stream(), self._store.folder)
        recipe = await to_thread.run_sync(self._recipe, path, model)
        if recipe is not None:
            remove(path)
            return JSONResponse({"name": name, "recipe": recipe})
        try:
            key, dropped = self._clips.add(name)
        except UsageError:
            remove(path)
            raise
        return JSONResponse({"clip": key}, background=BackgroundTask(self._clips.work, dropped, model, path))

    def _recipe(self, path: Path, model: Model) -> dict[str, Any] | None:
        """Return the settings behind a video and the name of its model, or None where they are not known."""
        about = read_provenance(path)
        if about is None:
            return None
        name = self._library.name_of_sha256(about.model_sha256)
        class_names = model.class_names if name is None else self._library.model(name).class_names
        message = settings.settings_of(about, class_names)
        return None if message is None else {"settings": message.model_dump(mode="json"), "model": name}

    def clip(self, request: Request) -> Response:
        return JSONResponse(asdict(self._clips.get(request.path_params["clip"])))

    async def play(self, socket: WebSocket) -> None:
        if self._viewers >= MOST_VIEWERS:
            await socket.accept()
            await socket.close(TRY_AGAIN_LATER, f"{MOST_VIEWERS} viewers watch already; close another page")
            return
        self._viewers += 1
        try:
            await socket.accept()
            try:
                model = await self._model(socket)
            except VideoganError as error:
                await socket.send_json({"problem": str(error)})
                await socket.close()
                return
            await Player(socket, model, self._store, self._threads).run()
        finally:
            self._viewers -= 1

    async def _model(self, connection: Request | WebSocket) -> Model:
        return await to_thread.run_sync(self._library.model, connection.query_params.get("model"))

    def _run(self, request: Request) -> Any:
        try:
            return self._library.runs()[request.path_params["run"]]
        except KeyError:
            raise MissingPathError("there is no such run any more") from None


async def _body(request: Request) -> bytes:
    """Return the body of a request of limited size."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_JSON:
            raise UsageError(f"more than {MOST_JSON} bytes")
    return body


def _refuse(request: Request, error: Exception) -> Response:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return JSONResponse({"problem": f"{'.'.join(map(str, first['loc']))}: {first['msg']}"}, BAD_REQUEST)
    return JSONResponse({"problem": str(error)}, GONE if isinstance(error, MissingPathError) else BAD_REQUEST)
