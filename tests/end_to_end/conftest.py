"""Runs commands in this process, as the installed program would."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tiny_run import TINY

from videogan.cli import main

Run = Callable[..., "Result"]


@dataclass
class Result:
    code: int
    out: str
    err: str


@pytest.fixture
def videogan(monkeypatch, capfd) -> Run:
    """Return a function that runs one command and gives its exit code, stdout and stderr."""

    def run(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["videogan", *map(str, arguments)])
        capfd.readouterr()
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        captured = capfd.readouterr()
        return Result(code, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def clips(tmp_path_factory) -> Path:
    """A folder of twelve short synthetic videos in three classes."""
    from videogan.commands.prepare import prepare

    folder = tmp_path_factory.mktemp("data") / "clips"
    prepare("moving-shapes", folder, raw=None, count=12, seed=0, size=32, split=None, yes=False)
    return folder


@pytest.fixture(scope="session")
def trained(clips, tmp_path_factory) -> Path:
    """A tiny run of two steps on the clips, to be copied."""
    from videogan.presets import parse_setting
    from videogan.training.session import train

    folder = tmp_path_factory.mktemp("trained")
    changes = dict(map(parse_setting, [*TINY, "train.tick_steps=2", f"data.cache_dir={folder / 'cache'}"]))
    return train(clips, run=folder / "run", preset="cpu", settings=changes, steps=2).path


@pytest.fixture
def tiny(tmp_path, monkeypatch) -> list[str]:
    """Options of a tiny run; the working folder is a fresh one."""
    monkeypatch.chdir(tmp_path)
    settings = [*TINY, "train.tick_steps=2", f"data.cache_dir={tmp_path / 'cache'}"]
    return ["--preset", "cpu", *(part for setting in settings for part in ("--set", setting))]
