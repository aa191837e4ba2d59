"""What a model makes of a dropped clip: beside it, after it, with other motion, as other classes."""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from videogan.errors import MissingPathError, UsageError, VideoganError
from videogan.files import printable
from videogan.generation.video_stream import VideoStream
from videogan.model import Model
from videogan.studio.uploads import read_upload, remove
from videogan.studio.video_store import VideoStore

NEW_FRAMES = 64
REFINE_STEPS = 30
MOST_CLASSES = 6
"""Classes to which a clip is translated."""
MOST_WAITING = 8
KEPT = 32


@dataclass
class DroppedClip:
    """A dropped file, and what is known of it so far; a browser asks for it again and again until it is ``done``."""

    name: str
    doing: str = "waiting"
    share: float = 0.0
    done: bool = False
    problem: str | None = None
    figures: dict[str, float] = field(default_factory=dict)
    videos: list[dict[str, Any]] = field(default_factory=list)


class DroppedClips:
    """Takes files, looks at one after the other, and remembers what came of them."""

    def __init__(self, store: VideoStore) -> None:
        self._store, self._turn = store, threading.Lock()
        self._dropped: dict[str, DroppedClip] = {}
        self.stopping = False

    def get(self, name: str) -> DroppedClip:
        """Return what is known of a file.

        Raises:
            MissingPathError: there is none of that name.
        """
        try:
            return self._dropped[name]
        except KeyError:
            raise MissingPathError("there is no such clip any more") from None

    def add(self, name: str) -> tuple[str, DroppedClip]:
        """Begin to remember a file, and return the name under which it can be asked for.

        Raises:
            UsageError: too many others wait.
        """
        if sum(not dropped.done for dropped in self._dropped.values()) >= MOST_WAITING:
            raise UsageError("many files wait already; drop this one later")
        for old in [name for name, dropped in self._dropped.items() if dropped.done][: -KEPT or None]:
            del self._dropped[old]
        key, dropped = secrets.token_urlsafe(12), DroppedClip(printable(name)[:200])
        self._dropped[key] = dropped
        return key, dropped

    def work(self, dropped: DroppedClip, model: Model, path: Path) -> None:
        """Show what a model makes of a clip; the file is gone afterwards."""
        try:
            with self._turn:
                self._show_all(dropped, model, path)
        except VideoganError as error:
            dropped.problem = str(error).replace(str(path), dropped.name)
        except Exception:
            dropped.problem = "that went wrong; the terminal says how"
            raise
        finally:
            dropped.done = True
            remove(path)

    def _show_all(self, dropped: DroppedClip, model: Model, path: Path) -> None:
        dropped.doing = "reading"
        clip = read_upload(model, path)
        report = self._reporter(dropped)
        dropped.doing = "encoding"

        def show(title: str, stream: VideoStream) -> None:
            name = self._store.add(stream)
            dropped.videos.append({"title": title, "video": name, "frames": stream.num_frames})

        encoded = model.reconstruct(clip)
        dropped.figures = dict(encoded.encoder)
        show("beside what the encoder sees in it", encoded.stream)
        dropped.doing = "refining"
        refined = model.reconstruct(clip, refine=REFINE_STEPS, class_name=encoded.class_name, progress=report)
        dropped.figures = dict(refined.refined or refined.encoder)
        show("beside its refined latents", refined.stream)
        moving = model.animate(clip[0], NEW_FRAMES, refine=REFINE_STEPS, class_name=refined.class_name, progress=report)
        show("animated: its first frame moves by a seed", moving)
        others = [name for name in model.class_names if name != refined.class_name][:MOST_CLASSES]
        for number, name in enumerate(others):
            dropped.doing = f"translating to {name}"
            report(number, len(others))
            show(f"as {name}", model.translate(clip, name))
        if len(clip) > 1:
            dropped.doing = "continuing"
            future = model.predict(
                clip, NEW_FRAMES, refine=REFINE_STEPS, class_name=refined.class_name, progress=report
            )
            show("continued", future.after(clip))

    def _reporter(self, dropped: DroppedClip) -> Callable[[int, int], None]:
        def report(done: int, total: int) -> None:
            dropped.share = done / total
            if self.stopping:
                raise UsageError("the studio stops")

        return report
