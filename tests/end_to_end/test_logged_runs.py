"""Figures and previews of a run, taken by TensorBoard's files and by the example for Weights & Biases."""

import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny_run import TINY

import videogan as door
from videogan.presets import parse_setting

EXAMPLE = Path(__file__).parents[2] / "examples" / "log_wandb.py"


class FakeRun:
    """The part of a wandb run that the example uses."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, dict]] = []
        self.finished = False

    def log(self, row: dict, step: int) -> None:
        self.rows.append((step, row))

    def finish(self) -> None:
        self.finished = True


def test_every_logger_gets_every_tick_and_every_preview(clips, tmp_path, monkeypatch):
    run, train = FakeRun(), door.train
    client = SimpleNamespace(init=lambda project: run, Video=lambda path, **_: Path(path).read_bytes()[4:8])
    monkeypatch.setitem(sys.modules, "wandb", client)
    monkeypatch.setattr(sys, "argv", [str(EXAMPLE), str(clips)])
    changes = {**dict(map(parse_setting, TINY)), "train.tick_steps": 2, "data.cache_dir": str(tmp_path / "cache")}

    def small(clips, *, loggers):
        small = {"preset": "cpu", "settings": changes, "steps": 4, "run": tmp_path / "run"}
        return train(clips, loggers=[*loggers, "tensorboard"], **small)

    monkeypatch.setattr(door, "train", small, raising=False)
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    assert run.finished
    figures = [(step, row) for step, row in run.rows if "clips_seen" in row]
    videos = [(step, row) for step, row in run.rows if "clips_seen" not in row]
    assert [step for step, _ in figures] == [2, 4]
    assert videos == [
        (step, {name: b"ftyp"}) for step, name in ((0, "reals"), (0, "samples"), (2, "samples"), (4, "samples"))
    ]
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    events.Reload()
    assert {"reconstruction", "clips_seen"} <= set(events.Tags()["scalars"])
    assert [event.step for event in events.Images("samples")] == [0, 2, 4]


def test_a_logger_that_is_not_there_is_told_before_anything_is_made(videogan, clips, tiny):
    done = videogan("train", clips, *tiny, "--log", "tensorbord")
    assert done.code == 2 and "did you mean 'tensorboard'?" in done.err
    assert not Path("runs").exists()
