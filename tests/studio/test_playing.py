"""One viewer of the studio: frames, messages, recordings."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient, WebSocketTestSession

import videogan
from videogan.artifacts.provenance import read_provenance
from videogan.generation.steering import Controls
from videogan.studio import playing
from videogan.video import VideoReader

pytestmark = pytest.mark.timeout(60)


class Viewer:
    """The browser's side of a player, which confirms every frame at once."""

    def __init__(self, socket: WebSocketTestSession) -> None:
        self.socket, self.said = socket, list[dict[str, Any]]()

    def set(self, **message: Any) -> None:
        self.socket.send_text(json.dumps(message))

    def receive(self, *, seen: bool = True) -> tuple[int, np.ndarray] | None:
        """Return the next frame with its number, or None where something is said."""
        data = self.socket.receive()
        if data.get("bytes") is None:
            self.said.append(json.loads(data["text"]))
            return None
        number, height, width = playing.HEAD.unpack(data["bytes"][:8])
        if seen:
            self.set(seen=number)
        return number, np.frombuffer(data["bytes"][8:], np.uint8).reshape(height, width, 3)

    def frame(self, *, seen: bool = True) -> tuple[int, np.ndarray]:
        while (frame := self.receive(seen=seen)) is None:
            pass
        return frame

    def hear(self, key: str) -> Any:
        """Return what is said under a key, passing over frames."""
        while not any(key in said for said in self.said):
            self.receive()
        return next(said[key] for said in self.said if key in said)


@contextmanager
def viewer(client: TestClient, **first: Any) -> Iterator[Viewer]:
    with client.websocket_connect("/play") as socket:
        watching = Viewer(socket)
        watching.set(frame_rate=120, **first)
        yield watching


def positions(frames: np.ndarray, film: np.ndarray) -> list[int]:
    """Where in a film each of the frames stands; late ones may be left out, wherever the machine is busy."""
    film = film.astype(np.int16)
    distances = [np.abs(film - frame).max(axis=(1, 2, 3)) for frame in frames]
    assert max(distance.min() for distance in distances) <= 1
    return [int(distance.argmin()) for distance in distances]


def test_frames_are_those_of_sample_and_are_numbered(client, weights):
    expected = videogan.load(weights, "cpu").sample(96, seeds=[0]).array()
    with viewer(client) as watching:
        numbers, frames = zip(*(watching.frame() for _ in range(24)), strict=True)
        assert list(numbers) == list(range(1, 25))
        at = positions(np.stack(frames), expected)
        assert at == sorted(set(at)) and at[0] == 0
        assert watching.hear("model") == {"classes": ["circle", "square"], "frame_rate": 25, "size": 32, "step": 7}


def test_two_viewers_do_not_disturb_each_other(client, weights):
    model = videogan.load(weights, "cpu")
    with viewer(client) as one, viewer(client) as other:
        other.set(controls={"seeds": [5]}, restart=True)
        frames = np.stack([one.frame()[1] for _ in range(40)])
        theirs = np.stack([other.frame()[1] for _ in range(60)])
    # Ten seconds of each: nobody waits for a viewer who does not read, and a busy machine may hold up both.
    for seen, seed in ((frames, 0), (theirs[-20:], 5)):
        at = positions(seen, model.sample(1200, seeds=[seed]).array())
        assert at == sorted(set(at))


def test_a_pause_ends_the_frames_and_a_wrong_message_is_told(client):
    with viewer(client, playing=False) as watching:
        assert watching.socket.receive_json()["model"]
        for wrong in ("no json", "[]", '{"path": "/etc/passwd"}', '{"controls": {"speed": 0}}', '{"frame_rate": 1e9}'):
            watching.socket.send_text(wrong)
            while (data := watching.socket.receive()).get("bytes") is not None:
                pass
            assert "problem" in json.loads(data["text"]), wrong
        watching.set(playing=True, controls={"classes": [1, 0, 0]})
        assert watching.hear("problem") == "classes: 3 shares for a model of 2 classes"
        watching.frame()


def test_a_viewer_that_confirms_nothing_gets_no_more_frames(client):
    with viewer(client) as watching:
        numbers = [watching.frame(seen=False)[0] for _ in range(playing.UNSEEN_FRAMES + 1)]
        assert numbers[-1] == playing.UNSEEN_FRAMES + 1
        time.sleep(0.3)
        watching.set(seen=numbers[-1])
        assert watching.frame()[0] == numbers[-1] + 1, "what was made meanwhile was dropped, not queued"


def test_a_loop_comes_round(client, weights):
    loop = videogan.load(weights, "cpu").sample(8, seeds=[3], loop=True).array()
    with viewer(client, controls={"seeds": [3]}, loop=8) as watching:
        frames = np.stack([watching.frame()[1] for _ in range(64)])
    assert set(positions(frames[-32:], loop)) == set(range(8))


def test_a_recording_can_be_made_again_from_its_recipe(client, weights, tmp_path):
    with viewer(client) as watching:
        watching.frame()
        watching.set(record=True)
        for _ in range(20):
            watching.frame()
        watching.set(controls={"seeds": [5], "classes": [0.5, 0.5]})
        for _ in range(20):
            watching.frame()
        watching.set(record=False)
        name = watching.hear("recorded")
    path = Path(tmp_path / "recorded.mp4")
    path.write_bytes(client.get(f"/api/videos/{name}.mp4").content)
    about = read_provenance(path)
    assert about is not None and about.command == "studio"
    timeline = [(frame, Controls.model_validate(controls)) for frame, controls in about.options["timeline"]]
    assert [controls.seeds for _, controls in timeline] == [(0,), (5,)]
    again = videogan.load(weights, "cpu").steer(timeline).take(about.frames).scaled(8).array()
    with VideoReader(path) as reader:
        frames = reader.read(range(len(reader)))
    assert len(frames) == about.frames
    assert np.abs(frames - again.astype(int)).mean() < 2, "but for what H.264 loses"


def test_a_recording_ends_while_the_video_is_paused_too(client):
    with viewer(client) as watching:
        watching.set(record=True)
        for _ in range(40):
            watching.frame()
        watching.set(playing=False)
        watching.set(record=False)
        assert watching.hear("recorded")


def test_a_recording_ends_by_itself_before_it_is_too_large(client, monkeypatch):
    monkeypatch.setattr(playing, "LONGEST_RECORDING", 40 * 32 * 32 * 3)
    with viewer(client) as watching:
        watching.set(record=True)
        assert watching.hear("recorded")
        assert watching.hear("frames") == 44


@pytest.mark.parametrize("text", ["x" * 10, '{"seen": -1}'])
def test_a_viewer_survives_nonsense(client, text):
    with viewer(client) as watching:
        watching.socket.send_text(text)
        assert watching.hear("problem")
        watching.frame()
