"""A studio over a tiny model and a folder of runs, and a browser that shows it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import Browser, Page, chromium
from running_studio import ARRIVES, ORIGIN, film, studio
from starlette.testclient import TestClient
from tiny_generator import tiny_generator
from tiny_run import tiny_config

from videogan.artifacts.metrics_file import append_metrics
from videogan.artifacts.runs import RunFolder
from videogan.artifacts.weights import Card, save_weights
from videogan.files import write_json
from videogan.models.build import build_encoder
from videogan.studio.app import studio_app
from videogan.studio.front import front
from videogan.studio.library import Library
from videogan.studio.video_store import VideoStore


@pytest.fixture(scope="session")
def weights(tmp_path_factory) -> Path:
    config = tiny_config()
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    card = Card(config, ("circle", "square"), frame_rate=25, step=7, clips_seen=28)
    save_weights(path, tiny_generator(2), build_encoder(config), card)
    return path


@pytest.fixture
def library(weights, tmp_path) -> Library:
    return Library(weights, tmp_path / "runs")


@pytest.fixture
def client(library) -> Iterator[TestClient]:
    with VideoStore() as store:
        app = front(lambda: studio_app(library, store))
        app.state.store = store
        with TestClient(app, base_url="http://127.0.0.1:8600", headers=ORIGIN) as client:
            yield client


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with two runs, one that has ended and one that trains."""
    folder = tmp_path_factory.mktemp("work")
    for number, (name, status) in enumerate((("00000-first", "finished"), ("00001-<b>second", "training"))):
        run = RunFolder(folder / "runs" / name)
        run.make()
        write_json(run.config, {})
        write_json(run.status, {"status": status, "step": 40, "steps": 100, "seconds": 60})
        for step in (20, 40):
            row = {
                "step": step,
                "clips_seen": step,
                "seconds": step,
                "clips_per_second": 9.0,
                "reconstruction": 1 / step,
            }
            append_metrics(run.metrics, row)
            film(run.previews / f"step-{step:08d}.mp4", number + 1)
        film(run.previews / "reals.mp4", 3)
    return folder


@pytest.fixture(scope="module")
def address(weights, folder) -> Iterator[str]:
    with studio(folder, weights, "--port", 0) as (_, url):
        yield url


@pytest.fixture
def page(browser, address) -> Iterator[Page]:
    with browser.page() as opened:
        opened.look(1280, 860)
        opened.open(address).until(ARRIVES)
        yield opened
        assert opened.problems == []
        hosts = {url.split("/")[2] for url in opened.requests if not url.startswith("data:")}
        assert hosts == {address.split("/")[2]}
