"""What the page asks of the studio over HTTP, and what it gets."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

import videogan
from videogan.generation import prediction
from videogan.generation.steering import Controls
from videogan.studio import app, clips, uploads
from videogan.studio.settings import Settings
from videogan.video import VideoReader, VideoWriter


def film(path: Path, frames: int = 12) -> Path:
    """A bright square that moves right."""
    pixels = np.full((frames, 32, 32, 3), 20, np.uint8)
    for number in range(frames):
        pixels[number, 10:18, number : number + 8] = 220
    with VideoWriter(path, frame_rate=25) as writer:
        writer.write(pixels)
    return path


def read(content: bytes, folder: Path) -> np.ndarray:
    path = folder / "fetched.mp4"
    path.write_bytes(content)
    with VideoReader(path) as reader:
        return reader.read(range(len(reader)))


def drop(client: TestClient, path: Path, name: str | None = None) -> dict:
    return client.post("/api/clips", content=path.read_bytes(), headers={"x-file-name": name or path.name}).json()


def looked_at(client: TestClient, clip: str) -> dict:
    for _ in range(600):
        answer = client.get(f"/api/clips/{clip}").json()
        if answer["done"]:
            return answer
        time.sleep(0.05)
    raise AssertionError("it takes too long")


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    monkeypatch.setattr(clips, "REFINE_STEPS", 2)
    monkeypatch.setattr(clips, "NEW_FRAMES", 8)
    monkeypatch.setattr(prediction, "SOLVER_STEPS", 2)


def test_the_page_and_all_that_it_names_are_served(client):
    page = client.get("/").text
    for name in ("main.js", "studio.css", "icon.svg", "uplot/uPlot.iife.min.js", "uplot/uPlot.min.css"):
        assert f"/static/{name}" in page
        assert client.get(f"/static/{name}").status_code == 200
    assert "MIT" in client.get("/static/uplot/LICENSE").text
    assert "style=" not in page and "onclick" not in page, "the Content-Security-Policy forbids both"


@pytest.mark.parametrize(
    "path",
    ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/etc/passwd", "/api/videos/..%2f..%2fx.mp4"],
)
def test_nothing_beside_the_page_can_be_fetched(client, path):
    assert client.get(path).status_code == 404


def test_models_are_named_and_only_those_are_loaded(client, weights):
    models = client.get("/api/models").json()
    assert models == {"models": [weights.name, "the model that comes along"], "first": weights.name}
    for name in ("/etc/passwd", str(weights), "../tiny.safetensors", "\x00"):
        answer = client.post("/api/command", params={"model": name}, content="{}")
        assert (answer.status_code, answer.json()) == (404, {"problem": "there is no such model any more"})


def test_a_saved_video_is_that_of_its_settings_and_gives_them_back(client, weights, tmp_path):
    model = videogan.load(weights, "cpu")
    mixed = Settings(controls=Controls(seeds=(3,), motion_seed=4, classes=(0.5, 0.25)), frames=20, frame_rate=12)
    plain = Settings(controls=Controls(seeds=(3,), classes=(0.0, 1.0), truncation=0.5), frames=20)
    looped = Settings(controls=Controls(seeds=(3,), classes=(1.0, 0.0)), frames=16, loop=True)
    for settings, expected in (
        (mixed, model.steer(mixed.controls).take(20)),
        (plain, model.sample(20, seeds=[3], classes="square", truncation=0.5)),
        (looped, model.sample(16, seeds=[3], classes="circle", loop=True)),
    ):
        name = client.post("/api/videos", content=settings.model_dump_json()).json()["video"]
        answer = client.get(f"/api/videos/{name}.mp4?download")
        assert answer.headers["content-disposition"] == f'attachment; filename="videogan-{name[:4]}.mp4"'
        frames = read(answer.content, tmp_path)
        assert np.abs(frames - expected.scaled(8).array().astype(int)).mean() < 2
        recipe = drop(client, tmp_path / "fetched.mp4")["recipe"]
        assert recipe["model"] == weights.name
        assert Settings.model_validate(recipe["settings"]) == settings


def test_the_command_makes_the_same_video(client, weights):
    def command(settings: Settings) -> str:
        return client.post("/api/command", content=settings.model_dump_json()).json()["command"]

    sample = command(Settings(controls=Controls(seeds=(3,), speed=0.5), frames=8, loop=True, frame_rate=50))
    assert sample == (
        f"videogan sample --run {weights} --seed 3 --frames 8 --class square --speed 0.5 --frame-rate 50 --loop out.mp4"
    )
    controls = Controls(seeds=(3, 4), at=0.5, classes=(0.5, 0.5), offsets=(1.0, -1.0))
    lines = command(Settings(controls=controls, frames=8)).split("\n")
    assert lines[:2] == ["import videogan", f"model = videogan.load({str(weights)!r})"]
    made = eval(lines[2].removesuffix('.save("out.mp4")'), {"videogan": videogan, "model": videogan.load(weights)})
    assert np.array_equal(made.array(), videogan.load(weights).steer(controls).take(8).array())


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/videos", "no json"),
        ("/api/videos", "[]"),
        ("/api/videos", '{"frames": 1000000000}'),
        ("/api/videos", '{"path": "/etc/passwd"}'),
        ("/api/videos", '{"controls": {"classes": [1, 0, 0]}}'),
        ("/api/command", '{"controls": {"seeds": [-1]}}'),
        ("/api/command", "x" * 70000),
    ],
)
def test_what_are_no_settings_is_refused_in_one_line(client, path, body):
    answer = client.post(path, content=body)
    assert answer.status_code == 400
    assert "\n" not in answer.json()["problem"] and answer.json()["problem"]


def test_a_dropped_clip_is_shown_beside_and_after_itself_and_as_other_classes(client, tmp_path):
    answer = looked_at(client, drop(client, film(tmp_path / "a.mp4"))["clip"])
    assert answer["problem"] is None
    titles = [video["title"] for video in answer["videos"]]
    assert [title.split()[0] for title in titles] == ["beside", "beside", "animated:", "as", "continued"]
    assert answer["figures"].keys() == {"psnr", "ssim"}
    beside, *_, continued = (
        read(client.get(f"/api/videos/{video['video']}.mp4").content, tmp_path) for video in answer["videos"]
    )
    assert (beside.shape, len(continued)) == ((12, 256, 512, 3), 12 + clips.NEW_FRAMES)
    assert not list(Path(client.app.state.store.folder).glob("*/clip*")), "uploads are gone once they were looked at"


def test_a_picture_is_a_clip_of_one_frame(client, tmp_path):
    Image.fromarray(np.full((40, 40, 3), 90, np.uint8)).save(tmp_path / "p.png")
    answer = looked_at(client, drop(client, tmp_path / "p.png")["clip"])
    assert answer["problem"] is None
    assert [video["title"].split()[0] for video in answer["videos"]] == ["beside", "beside", "animated:", "as"]


def test_what_is_no_video_is_refused_by_its_name_and_leaves_nothing(client, tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "LARGEST_UPLOAD", 5000)
    film(tmp_path / "a.mp4")
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "large.mp4").write_bytes(bytes(6000))
    (tmp_path / "empty.mp4").touch()
    for name, said in (
        ("a.txt", "a.txt: drop a video or a picture"),
        ("..%2F..%2Fetc%2Fpasswd", "../../etc/passwd: drop a video or a picture"),
    ):
        assert drop(client, tmp_path / "a.mp4", name) == {"problem": said}
    assert "larger than" in drop(client, tmp_path / "large.mp4")["problem"]
    assert drop(client, tmp_path / "empty.mp4") == {"problem": "empty.mp4: the file is empty"}
    problem = looked_at(client, drop(client, tmp_path / "text.mp4", "..%2Ftext%0A.mp4")["clip"])["problem"]
    assert problem.startswith("../text") and "\n" not in problem and str(tmp_path) not in problem
    assert not list(Path(client.app.state.store.folder).iterdir())


def test_a_damaged_recipe_is_taken_as_a_clip(client, tmp_path):
    comment = json.dumps({"videogan": "1", "command": "studio", "options": {"timeline": "x" * 100}})
    with VideoWriter(tmp_path / "a.mp4", comment=comment) as writer:
        writer.write(np.zeros((8, 32, 32, 3), np.uint8))
    assert "clip" in drop(client, tmp_path / "a.mp4")


def test_only_so_many_clips_wait(client, tmp_path, monkeypatch):
    monkeypatch.setattr(clips, "MOST_WAITING", 0)
    assert drop(client, film(tmp_path / "a.mp4")) == {"problem": "many files wait already; drop this one later"}
    assert not list(Path(client.app.state.store.folder).iterdir())


def test_there_are_never_too_many_viewers(client, monkeypatch):
    monkeypatch.setattr(app, "MOST_VIEWERS", 0)
    with client.websocket_connect("/play") as socket:
        assert socket.receive()["code"] == 1013
