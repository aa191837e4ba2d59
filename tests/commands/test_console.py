"""How much a command says, by -q and -v."""

import logging
import warnings

import pytest

from videogan.commands.console import console_log, say_less, say_more

_log = logging.getLogger("videogan.somewhere")


@pytest.fixture
def said(capsys):
    """Return a function that logs at every level with a console of some kind, and returns what it says."""

    def say(change=lambda: None):
        with warnings.catch_warnings(), console_log():
            warnings.simplefilter("default")
            change()
            warnings.warn("a library's warning", UserWarning, stacklevel=1)
            for level in ("debug", "info", "warning", "error"):
                getattr(_log, level)(f"at {level}")
        return capsys.readouterr().err

    return say


def test_usually_information_and_warnings_are_shown(said):
    assert said() == "at info\nwarning: at warning\nerror: at error\n"


def test_quiet_leaves_errors(said):
    assert said(say_less) == "error: at error\n"


def test_verbose_shows_everything_with_its_time(said):
    lines = said(say_more).splitlines()
    assert all(line.lstrip()[0].isdigit() and " s  " in line for line in lines)
    told = [line.split(" s  ")[1] for line in lines]
    assert "a library's warning" in told[0]
    assert told[-4:] == ["at debug", "at info", "warning: at warning", "error: at error"]
    assert said().startswith("at info"), "and the next command says as much as usual"
