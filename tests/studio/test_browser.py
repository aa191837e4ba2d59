"""The studio in a real browser: every control, dropped files, several viewers, a lost connection, all sizes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from chromium import PROGRAM, Browser, Page, chromium

from videogan.artifacts.metrics_file import append_metrics
from videogan.artifacts.provenance import read_provenance
from videogan.artifacts.runs import RunFolder
from videogan.files import write_json
from videogan.video import VideoWriter

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(PROGRAM is None, reason="needs Chromium: apt-get install chromium"),
]
ROOT = Path(__file__).parents[2]
PICTURE = "[...document.getElementById('screen').getContext('2d').getImageData(0, 0, 32, 32).data].join()"
ARRIVES = "parseFloat(document.getElementById('rate')?.textContent) > 0"
ANSWERS = "{ thing.onopen = thing.onload = () => done(true); thing.onerror = () => done(false); }"
SETTINGS = "import('/static/play.js').then(({controls}) => controls.settings())"


@contextmanager
def studio(weights: Path, folder: Path, port: int = 0) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "videogan", "studio", str(weights), "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.terminate()
            assert process.wait(60) == 143


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


def film(path: Path, seed: int) -> Path:
    """A four by four grid of noise that moves."""
    frames = np.random.default_rng(seed).integers(0, 255, (12, 64, 64, 3), np.uint8)
    with VideoWriter(path, frame_rate=25) as writer:
        writer.write(frames)
    return path


@pytest.fixture(scope="module")
def address(weights, folder) -> Iterator[str]:
    with studio(weights, folder) as (_, url):
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


def changed_by(page: Page, what: str, action) -> tuple[dict, dict]:
    before = page.run(SETTINGS)
    action()
    page.until(
        f"{SETTINGS}.then((now) => JSON.stringify(now) !== {json.dumps(json.dumps(before, separators=(',', ':')))})"
    )
    after = page.run(SETTINGS)
    differing = {key for key in before["controls"] if before["controls"][key] != after["controls"][key]}
    differing |= {key for key in ("frames", "loop", "frame_rate") if before[key] != after[key]}
    assert what in differing, f"{differing}, not {what}"
    return before, after


def test_the_picture_moves_and_stands_still_while_paused(page):
    first = page.run(PICTURE)
    page.until(f"{PICTURE} !== {json.dumps(first)}")
    page.click("#playing")
    page.until("document.getElementById('rate').textContent === '0 fps'")
    still = page.run(PICTURE)
    assert page.run(f"new Promise((later) => setTimeout(later, 500)).then(() => {PICTURE})") == still
    page.key(" ")
    page.until(f"{PICTURE} !== {json.dumps(still)}")


KEYS = {
    "n": "seeds",
    "b": "seeds",
    "r": "seeds",
    "m": "motion_seed",
    "M": "motion_seed",
    "2": "classes",
    "0": "classes",
    "t": "truncation",
    "T": "truncation",
    "-": "speed",
    "+": "speed",
    "[": "frame_rate",
    "]": "frame_rate",
    "ArrowLeft": "offsets",
    "ArrowUp": "offsets",
    "Escape": "offsets",
    "l": "loop",
}


def test_every_key_does_what_the_list_of_keys_says(page):
    for key, what in KEYS.items():
        changed_by(page, what, lambda key=key: page.key(key))
    page.until(ARRIVES)


def test_buttons_and_sliders_change_what_they_stand_for(page):
    changed_by(page, "seeds", lambda: page.click("#seed-dice"))
    changed_by(page, "motion_seed", lambda: page.click("#motion-dice"))
    changed_by(page, "classes", lambda: page.click("#classes button:nth-child(2)"))
    for slider, what in (("truncation", "truncation"), ("speed", "speed"), ("frame-rate", "frame_rate")):
        page.run(f"document.getElementById('{slider}').focus()")
        changed_by(page, what, lambda: page.key("ArrowLeft"))
    x, y = page.middle("#pad")
    page.call("Input.dispatchMouseEvent", type="mousePressed", x=x + 20, y=y - 30, button="left", clickCount=1)
    page.call("Input.dispatchMouseEvent", type="mouseReleased", x=x + 20, y=y - 30, button="left", clickCount=1)
    page.until(f"{SETTINGS}.then((now) => now.controls.offsets[0] > 0 && now.controls.offsets[1] > 0)")
    changed_by(page, "offsets", lambda: page.click("#centre"))
    page.click("#mix")
    changed_by(page, "classes", lambda: page.click("#classes button:nth-child(3)"))
    page.until(ARRIVES)


def test_pins_make_a_strip_to_walk_along(page):
    for _ in range(3):
        page.key("p")
        page.key("n")
    assert page.run("document.querySelectorAll('#pins li').length") == 3
    page.click("#walk")
    page.until(f"{SETTINGS}.then((now) => now.controls.at > 0.1)")
    assert page.run(SETTINGS)["controls"]["seeds"] == [0, 1, 2]
    page.click("#pins li:nth-child(3) button")
    page.until(f"{SETTINGS}.then((now) => now.controls.at === 2)")
    page.click("#pins li:nth-child(2) .remove")
    assert page.run(SETTINGS)["controls"]["seeds"] == [0, 2]
    page.key("n")
    assert len(page.run(SETTINGS)["controls"]["seeds"]) == 1
    page.until(ARRIVES)


def test_the_command_can_be_copied_and_the_keys_are_listed(page):
    page.key("k")
    assert page.until("document.querySelector('#said[open] pre')?.textContent").startswith("videogan sample --run ")
    page.run("document.querySelector('#said button').click()")
    page.key("?")
    assert page.run("document.querySelectorAll('#keys[open] dt').length") > 20


def test_saved_and_recorded_videos_come_down_and_give_their_settings_back(page, tmp_path):
    page.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    for key in ("r", "2", "m", "t"):
        page.key(key)
    settings = page.run(SETTINGS)
    page.key("s")
    saved = downloaded(page, tmp_path)
    page.key("c")
    page.run("new Promise((later) => setTimeout(later, 1000))")
    page.key("c")
    recorded = downloaded(page, tmp_path, saved)
    for path in (saved, recorded):
        about = read_provenance(path)
        assert about is not None and about.command == "studio"
        for key in ("r", "0", "m", "T"):
            page.key(key)
        page.click("#tab-drop")
        page.choose_file("#file", path)
        page.until("!document.getElementById('play').hidden")
        assert page.run(SETTINGS)["controls"] == settings["controls"]


def downloaded(page: Page, folder: Path, *others: Path) -> Path:
    page.until("true")
    for _ in range(400):
        files = [path for path in folder.glob("*.mp4") if path not in others]
        if files:
            return files[0]
        page.run("new Promise((later) => setTimeout(later, 50))")
    raise AssertionError(f"nothing came down but {list(folder.iterdir())}")


def test_a_dropped_clip_is_shown_with_all_that_is_made_of_it(page, tmp_path):
    page.click("#tab-drop")
    page.choose_file("#file", film(tmp_path / "<i>clip.mp4", 5))
    page.until("document.querySelector('#dropped .card') && !document.querySelector('#dropped progress')", 300)
    assert page.run("document.querySelector('#dropped h2').textContent") == "<i>clip.mp4"
    titles = page.run(
        "[...document.querySelectorAll('#dropped figcaption span')].map((e) => e.textContent.split(' ')[0])"
    )
    assert titles == ["beside", "beside", "animated:", "as", "continued"]
    assert page.until("[...document.querySelectorAll('#dropped video')].every((video) => video.readyState >= 2)")


def test_what_cannot_be_read_is_told_in_its_card(page, tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    page.click("#tab-drop")
    page.choose_file("#file", tmp_path / "text.mp4")
    assert "text.mp4" in page.until("document.querySelector('#dropped .problem')?.textContent")


def test_runs_are_watched_alone_and_side_by_side(page):
    page.click("#tab-watch")
    page.until("document.querySelectorAll('#shown .card').length === 1")
    page.run(
        "(() => { const other = document.getElementById('other'); other.selectedIndex = 2;"
        "other.dispatchEvent(new Event('change')); })()"
    )
    page.until("document.querySelectorAll('#shown .card').length === 2")
    names = page.run("[...document.querySelectorAll('#shown h2')].map((e) => e.textContent).sort()")
    assert names == ["00000-first", "00001-<b>second"]
    assert page.until("document.querySelectorAll('#shown .uplot canvas').length") >= 4
    assert len(page.until("document.querySelector('#shown .verdict')?.textContent")) > 20
    page.run(
        "(() => { const slider = document.querySelector('#shown input[type=range]'); slider.value = 0;"
        "slider.dispatchEvent(new Event('input')); })()"
    )
    page.until("[...document.querySelectorAll('#shown video')].some((v) => v.src.endsWith('step-00000020.mp4'))")
    assert "about 2 min" in page.run("document.getElementById('shown').textContent")


def test_two_viewers_have_settings_of_their_own(page, browser, address):
    with browser.page() as other:
        other.open(address).until(ARRIVES)
        other.key("r")
        other.key("2")
        assert page.run(SETTINGS) != other.run(SETTINGS)
        assert page.run(SETTINGS)["controls"]["seeds"] == [0]
        other.until(ARRIVES)
        assert other.problems == []


def test_a_lost_connection_comes_back_with_its_settings(browser, weights, folder):
    with browser.page() as page:
        with studio(weights, folder) as (process, url):
            page.open(url).until(ARRIVES)
            page.key("r")
            settings = page.run(SETTINGS)
            process.terminate()
            process.wait(60)
            page.until("document.getElementById('notice').textContent")
        with studio(weights, folder, int(url.split(":")[-1].strip("/"))):
            page.until(f"document.getElementById('notice').textContent === '' && {ARRIVES}", 60)
            assert page.run(SETTINGS) == settings


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_every_room_fits_every_width_and_is_named_for_a_screen_reader(page, width, dark):
    page.look(width, 844, dark=dark)
    for room in ("play", "drop", "watch"):
        page.click(f"#tab-{room}")
        assert page.run("document.documentElement.scrollWidth <= innerWidth"), room
        nameless = page.run(
            "[...document.querySelectorAll('button, input, select, canvas, [role=slider]')].filter((e) => "
            "e.checkVisibility() && !(e.getAttribute('aria-label') || e.labels?.length || e.textContent.trim()) "
            "&& !e.closest('.uplot, .pin, #pins')).map((e) => e.outerHTML)"
        )
        assert nameless == [], room
    bright = page.run("getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0] > 128")
    assert bright != dark


def test_another_page_can_neither_frame_nor_drive_it(browser, address, tmp_path):
    (tmp_path / "evil.html").write_text("<title>evil</title>")
    with browser.page() as page:
        page.open((tmp_path / "evil.html").as_uri())
        page.run(f"window.opens = (thing) => new Promise((done) => {ANSWERS})")
        assert page.run(f"opens(new WebSocket('{address.replace('http', 'ws')}play'))") is False
        assert page.run(f"opens(Object.assign(new Image(), {{src: '{address}static/icon.svg'}}))") is False
        frame = "document.body.appendChild(document.createElement('iframe'))"
        page.run(f"Object.assign({frame}, {{src: '{address}'}})")
        page.run("new Promise((later) => setTimeout(later, 1000))")
        assert any("frame-ancestors" in problem for problem in page.problems)
