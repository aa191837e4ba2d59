"""A studio over a tiny model and a folder of runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tiny_generator import tiny_generator
from tiny_run import tiny_config

from videogan.artifacts.weights import Card, save_weights
from videogan.models.build import build_encoder
from videogan.studio.app import studio_app
from videogan.studio.library import Library
from videogan.studio.video_store import VideoStore

ORIGIN = {"host": "127.0.0.1:8600", "origin": "http://127.0.0.1:8600"}


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
    with (
        VideoStore() as store,
        TestClient(studio_app(library, store), base_url="http://127.0.0.1:8600", headers=ORIGIN) as client,
    ):
        yield client
