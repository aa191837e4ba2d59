"""One viewer: a WebSocket on which messages come in and frames go out, one binary message each.

A frame is eight bytes, little endian (its number as uint32, height and width as uint16), and its RGB pixels row by row.
Everything else is JSON: what comes in is a :class:`ViewerMessage`, what goes out has one of the keys ``model``,
``recorded`` (with its ``frames``) and ``problem``.
"""

import struct
import time
from collections.abc import Iterator
from itertools import cycle
from typing import Annotated, Any

import anyio
import numpy as np
from anyio import CapacityLimiter, create_memory_object_stream, create_task_group, to_thread
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from videogan.errors import VideoganError
from videogan.generation.steering import Controls, SteeredVideo
from videogan.model import Model
from videogan.studio.settings import LONGEST_LOOP, Settings, recording_video, video
from videogan.studio.video_store import VideoStore
from videogan.video import to_uint8

FRAMES_AHEAD = 8
"""Frames that are ready before they are shown; more would let controls act later."""
UNSEEN_FRAMES = 24
"""Frames that may be on their way to a viewer; those that would come on top are dropped."""
LONGEST_RECORDING = 2**27
"""Bytes of a recording, after which it ends by itself."""
MOST_CHANGES = 300
"""Changes of the controls in a recording, after which it ends by itself: its recipe must fit into the file."""
HEAD = struct.Struct("<IHH")


class ViewerMessage(BaseModel):
    """What a viewer sends; what it leaves out stays as it is. ``loop`` counts frames, 0 plays on without an end."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    controls: Controls | None = None
    playing: bool | None = None
    frame_rate: Annotated[float, Field(ge=1, le=120)] | None = None
    loop: Annotated[int, Field(ge=0, le=LONGEST_LOOP)] | None = None
    restart: bool = False
    record: bool | None = None
    seen: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    """Number of the last frame that was drawn."""


class Player:
    """Makes frames ahead of time, shows each when it is due, and drops those that a viewer could only see late."""

    def __init__(self, socket: WebSocket, model: Model, store: VideoStore, threads: CapacityLimiter) -> None:
        self._socket, self._model, self._store, self._threads = socket, model, store, threads
        self._controls, self._loop, self._period = Controls(), 0, float(1 / model.frame_rate)
        self._steered = self._controls
        self._video = SteeredVideo(model.generator, self._controls, model.directions, model.replays)
        self._loop_frames: Iterator[np.ndarray] | None = None
        self._recording: _Recording | None = None
        self._begin_anew = self._record = False
        self._playing, self._seen = anyio.Event(), 0
        self._playing.set()

    async def run(self) -> None:
        """Play until the viewer leaves."""
        ahead, ready = create_memory_object_stream[np.ndarray](FRAMES_AHEAD)
        with ahead, ready:
            try:
                await self._say(model=self._about())
                async with create_task_group() as tasks:
                    tasks.start_soon(self._make, ahead)
                    tasks.start_soon(self._show, ready)
                    await self._listen()
            except* WebSocketDisconnect:
                pass

    def _about(self) -> dict[str, Any]:
        model = self._model
        rate, size = float(model.frame_rate), model.generator.size
        return {"classes": model.class_names, "frame_rate": rate, "size": size, "step": model.card.step}

    async def _listen(self) -> None:
        while True:
            text = await self._socket.receive_text()
            try:
                await self._apply(ViewerMessage.model_validate_json(text))
            except ValidationError as error:
                first = error.errors()[0]
                await self._say(problem=f"{'.'.join(map(str, first['loc']))}: {first['msg']}")

    async def _apply(self, message: ViewerMessage) -> None:
        self._seen = self._seen if message.seen is None else message.seen
        self._controls = self._controls if message.controls is None else message.controls
        self._period = self._period if message.frame_rate is None else 1 / message.frame_rate
        if message.loop is not None and message.loop != self._loop:
            self._loop, self._loop_frames = message.loop, None
        if message.playing:
            self._playing.set()
        elif message.playing is False:
            self._playing = anyio.Event()
        if message.record is not None:
            self._record = message.record
            if not self._record and not self._playing.is_set():
                await self._end_recording()
        self._begin_anew |= message.restart or bool(message.record)

    async def _make(self, ahead: MemoryObjectSendStream[np.ndarray]) -> None:
        while True:
            await self._playing.wait()
            if self._recording is not None and (self._recording.is_full or not self._record):
                await self._end_recording()
            try:
                frames = await to_thread.run_sync(self._next, limiter=self._threads, abandon_on_cancel=True)
            except VideoganError as error:
                self._controls = self._steered
                await self._say(problem=str(error))
                continue
            for frame in frames:
                await ahead.send(frame)

    def _next(self) -> np.ndarray:
        """Make the next frames, uint8 ``t h w c``, as the controls are now."""
        controls, changed = self._controls, self._controls != self._steered
        if changed:
            self._video.steer(controls)
            self._steered, self._loop_frames = controls, None
        if self._loop:
            if self._loop_frames is None:
                self._loop_frames = cycle(video(self._model, Settings(controls=controls, frames=self._loop, loop=True)))
            return next(self._loop_frames)[None]
        if self._begin_anew:
            self._begin_anew = False
            model = self._model
            self._video = SteeredVideo(model.generator, controls, model.directions, model.replays)
            self._recording = _Recording(controls) if self._record else None
        elif changed and self._recording is not None:
            self._recording.changes(controls)
        frames = to_uint8(self._video.frames()[0].cpu())
        if self._recording is not None:
            self._recording.frames.append(frames)
        return frames

    async def _show(self, ready: MemoryObjectReceiveStream[np.ndarray]) -> None:
        due, number = time.monotonic(), 0
        while True:
            had_to_wait = not ready.statistics().current_buffer_used
            frame = await ready.receive()
            now = time.monotonic()
            if had_to_wait:  # for frames that were not yet made, so that none is late
                due = max(due, now)
            late = now > due + self._period or number - self._seen > UNSEEN_FRAMES
            wait, due = due - now, due + self._period
            if late:
                continue
            await anyio.sleep(max(0.0, wait))
            number += 1
            await self._socket.send_bytes(HEAD.pack(number, *frame.shape[:2]) + frame.tobytes())

    async def _end_recording(self) -> None:
        """Put the recording, if there is one, where the viewer can fetch it."""
        recording, self._recording, self._record = self._recording, None, False
        if recording is None or not recording.frames:
            return
        stream = recording_video(self._model, recording.timeline, np.concatenate(recording.frames))
        rate = 1 / self._period
        if abs(rate - self._model.frame_rate) > 1e-6:
            stream = stream.with_frame_rate(rate)
        name = await to_thread.run_sync(self._store.add, stream)
        await self._say(recorded=name, frames=stream.num_frames)

    async def _say(self, **content: Any) -> None:
        await self._socket.send_json(content)


class _Recording:
    """Frames ``t h w c`` since a video began, and the frame from which each of its controls held."""

    def __init__(self, controls: Controls) -> None:
        self.timeline, self.frames = [(0, controls)], list[np.ndarray]()

    def changes(self, controls: Controls) -> None:
        """Note that the next frames follow other controls."""
        self.timeline.append((sum(map(len, self.frames)), controls))

    @property
    def is_full(self) -> bool:
        """Whether there is no room for more."""
        size = self.frames[0].nbytes * len(self.frames) if self.frames else 0
        return size > LONGEST_RECORDING or len(self.timeline) > MOST_CHANGES
