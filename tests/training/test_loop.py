"""What a tick counts, and what a look at the losses finds."""

from fractions import Fraction
from types import SimpleNamespace

import pytest
import torch
from tiny_run import tiny_config

from videogan.artifacts.runs import RunFolder
from videogan.data.loader import ClipBatch
from videogan.training.loop import Budget, Health, Tick
from videogan.training.recorder import Recorder
from videogan.training.state import new_state

NAN = float("nan")


def scalars(**values: float) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(value) for name, value in values.items()}


def test_a_tick_averages_what_was_finite_also_where_steps_have_other_losses():
    tick = Tick(0)
    tick.add(scalars(a=1.0, b=4.0))
    tick.add(scalars(a=NAN, b=2.0))
    tick.add(scalars(a=2.0, c=NAN))
    tick.add(scalars(a=6.0, c=5.0))
    assert tick.losses() == pytest.approx({"a": 3.0, "b": 3.0, "c": 5.0})
    never = Tick(0)
    never.add(scalars(a=NAN))
    assert never.losses() == {}


@pytest.mark.parametrize(
    ("losses", "skipped", "culprit"),
    [
        ({"a": 1.0, "b": 2.0}, {"generator": 0.0}, ""),
        ({"a": 1.0, "b": NAN}, {"generator": 0.0}, "b"),
        ({"a": 1.0}, {"generator": 0.0, "encoder": 1.0}, "the gradient of encoder"),
        ({"a": float("inf")}, {}, "a"),
    ],
)
def test_where_every_step_was_bad_the_culprit_is_named(losses, skipped, culprit):
    health = Health()
    for _ in range(3):
        health.add(scalars(**losses), scalars(**skipped))
    assert health.verdict() == culprit


def test_a_single_bad_step_is_no_culprit_and_is_said(caplog):
    health = Health()
    for value in (1.0, NAN, 1.0):
        health.add(scalars(a=value), {})
    assert health.verdict() == ""
    assert "1 of 3 steps were skipped" in caplog.text
    assert Health().verdict() == ""


def test_a_budget_is_spent_by_steps_or_by_minutes():
    class Progress:
        step, seconds = 30, 60.0

    assert Budget(60).share(Progress) == 0.5
    assert Budget(600, minutes=1).spent(Progress)
    assert not Budget(600, minutes=2).spent(Progress)


def test_what_is_left_of_a_budget_is_never_more_than_the_clock_allows():
    class Progress:
        step, seconds = 30, 60.0

    assert Budget(60).seconds_left(Progress, 2.0) == 15
    assert Budget(60, minutes=1.1).seconds_left(Progress, 2.0) == pytest.approx(6)
    assert Budget(60, minutes=9).seconds_left(Progress, 2.0) == 15
    assert Budget(60, minutes=2).seconds_left(Progress, 0.0) == 60


def test_a_spent_budget_names_what_to_type():
    class Progress:
        step, seconds = 30, 60.0

    assert Budget(30).option_for_more(Progress) == "--steps 60"
    assert Budget(6000, minutes=0.5).option_for_more(Progress) == "--minutes 1"


def test_the_first_previews_come_by_the_clock_and_then_ever_more_rarely(tmp_path):
    state = new_state(tiny_config(), 0, torch.device("cpu"))
    clips = torch.zeros(2, 8, 32, 32, 3, dtype=torch.uint8)

    class Loader:
        batch_size, data = 2, state.config.data
        cache = SimpleNamespace(class_names=(), frame_rate=Fraction(25))

        def batch(self, step):
            return ClipBatch(clips, None)

    run = RunFolder(tmp_path / "run")
    run.make()
    recorder = Recorder(run, Loader(), torch.device("cpu"))
    shown = []
    for step, state.seconds in enumerate((10.0, 29.0, 31.0, 40.0, 61.0, 70.0, 119.0, 500.0, 950.0)):
        state.step = step
        recorder.show_in_time(state)
        if (run.previews / f"step-{step:08d}.mp4").exists():
            shown.append(state.seconds)
    assert shown == [31.0, 61.0, 500.0]
    assert "step-00000002.mp4" in run.report.read_text()
