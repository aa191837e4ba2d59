"""The page is there before what stands behind it, and what goes wrong there ends the studio with a word."""

from threading import Event

import pytest
from running_studio import ORIGIN
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from videogan.artifacts.runs import RunFolder
from videogan.errors import CheckpointError, UsageError
from videogan.files import write_json
from videogan.studio.front import front
from videogan.studio.library import Library
from videogan.studio.server import serve


def client(make, **options) -> TestClient:
    return TestClient(front(make, **options), base_url="http://127.0.0.1:8600", headers=ORIGIN)


def test_the_page_does_not_wait_for_what_it_asks():
    loaded = Event()

    def make() -> Starlette:
        assert loaded.wait(20)
        return Starlette(routes=[Route("/api/models", lambda request: PlainTextResponse("here"))])

    with client(make) as browser:
        assert b"videogan studio" in browser.get("/").content
        assert browser.get("/static/main.js").status_code == 200
        assert not loaded.is_set()
        loaded.set()
        assert browser.get("/api/models").text == "here"
        assert browser.get("/nothing").status_code == 404


def test_what_cannot_be_made_is_told():
    told = []

    def make() -> Starlette:
        raise UsageError("no model")

    with client(make, failed=told.append) as browser:
        assert browser.get("/").status_code == 200
    assert [str(error) for error in told] == ["no model"]


def test_a_model_that_is_damaged_ends_the_studio(weights, tmp_path):
    damaged = tmp_path / "w.safetensors"
    content = bytearray(weights.read_bytes())
    content[-8] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"w\.safetensors: its weights cannot be used"):
        serve(damaged, port=0)


def test_a_run_that_lies_elsewhere_is_listed_once_it_has_begun(weights, tmp_path):
    run = RunFolder(tmp_path / "elsewhere" / "mine")
    library = Library(weights, tmp_path / "runs", watched=run.path)
    assert library.runs() == {}
    run.make()
    write_json(run.config, {})
    assert list(library.runs()) == ["mine"]
