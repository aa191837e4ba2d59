import io
import re
import time

import pytest

from videogan.commands.console import console_log, say_less
from videogan.commands.progress import AFTER, bars, counting


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def screen(monkeypatch):
    """Return a function that shows a bar on a terminal of some width and returns its last line as it is seen."""

    def show(columns, *moves, after=0.0):
        terminal = Terminal()
        monkeypatch.setattr("sys.stderr", terminal)
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.delenv("NO_COLOR", raising=False)
        with bars(after) as move:
            for arguments in moves:
                move(*arguments) if isinstance(arguments, tuple) else arguments(move)
            time.sleep(0.05 if after == 0 else 0)
        text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.getvalue())
        return [line for line in re.split(r"[\r\n]+", text) if line.strip()][-1:][0].rstrip() if text.strip() else ""

    return show


WORDS = "1:15 left  step 523  9.2 clips/s  generator 1.945  discriminators 1.300  reconstruction 0.500"


def test_the_bar_of_a_training_fits_a_terminal_of_80_columns(screen):
    line = screen(80, ("training", 0.19, 1.0, WORDS))
    assert len(line) <= 80
    for part in ("training", "19%", "1:15 left", "step 523", "9.2 clips/s"):
        assert part in line


def test_a_wide_terminal_shows_the_losses_too(screen):
    assert WORDS in screen(160, ("training", 0.19, 1.0, WORDS))


def test_a_task_without_words_says_how_long_it_will_take(screen):
    line = screen(80, ("reading clips", 0, 3), ("reading clips", 1, 3))
    assert re.search(r"reading clips.*33%.*:..", line)


def test_frames_are_counted_by_the_second(screen):
    def write(move):
        for done in (1, 20, 40):
            counting(move)(done, 80)
            time.sleep(0.02)

    assert re.search(r"writing.* 50% +[\d.]+ frames/s +0:0\d:\d\d left", screen(80, write))
    assert re.search(r"writing.*frames/s +40 frames", screen(80, lambda move: [counting(move)(n, 0) for n in (1, 40)]))


def test_work_that_is_soon_done_shows_no_bar(screen):
    assert screen(80, ("reading clips", 1, 3), after=AFTER) == ""


def test_quiet_shows_no_bar(screen):
    with console_log():
        say_less()
        assert screen(80, ("reading clips", 1, 3)) == ""


def test_no_color_brings_no_colour(screen, monkeypatch):
    seen = {}
    for value in ("", "1"):
        monkeypatch.setenv("NO_COLOR", value)
        terminal = Terminal()
        monkeypatch.setattr("sys.stderr", terminal)
        monkeypatch.setenv("TERM", "xterm-256color")
        with bars(0.0) as move:
            move("reading clips", 1, 3)
            time.sleep(0.05)
        seen[value] = re.search(r"\x1b\[[0-9;]*3[0-9]", terminal.getvalue()) is not None
    assert seen == {"": True, "1": False}
