import io
import re

import pytest

from videogan.commands.console import bars


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def screen(monkeypatch):
    """Return a function that shows a bar on a terminal of some width and returns its last line as it is seen."""

    def show(columns, *moves):
        terminal = Terminal()
        monkeypatch.setattr("sys.stderr", terminal)
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.delenv("NO_COLOR", raising=False)
        with bars() as move:
            for arguments in moves:
                move(*arguments)
        text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.getvalue())
        return [line for line in re.split(r"[\r\n]+", text) if line.strip()][-1].rstrip()

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
