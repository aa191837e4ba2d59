"""What a tick counts, and what a look at the losses finds."""

import pytest
import torch

from videogan.training.loop import Budget, Health, Tick

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
