from tiny_run import tiny_config, tiny_state

from videogan.artifacts.checkpoints import save_checkpoint
from videogan.artifacts.metrics_file import best_step
from videogan.artifacts.runs import list_checkpoints
from videogan.training.quality import Quality


def test_the_best_is_the_lowest_kernel_distance():
    rows = [
        {"step": 2},
        {"step": 4, "kernel_distance": 0.5},
        {"step": 6, "kernel_distance": -0.1},
        {"step": 8, "kernel_distance": 0.2},
    ]
    assert best_step(rows) == (6, -0.1)
    assert best_step(rows[:1]) is None
    assert best_step([*rows, {"step": 10, "tick_kernel_distance": -0.2}]) == (10, -0.2)
    assert best_step([*rows, {"step": 10, "tick_kernel_distance": 0.2}]) == (6, -0.1)


def test_it_is_due_once_for_every_multiple_that_was_passed():
    quality = Quality(tiny_config("evaluate.every=10", "evaluate.features=pixels-16").evaluate, None, "cpu")
    assert [quality.due(before, before + 4) for before in (0, 4, 8, 12, 16)] == [False, False, True, False, True]


def test_the_best_checkpoint_is_never_removed(tmp_path):
    config = tiny_config()
    state = tiny_state(config)
    for step in (2, 4, 6, 8):
        state.step = step
        weights = state.weights(("a", "b"), 12)
        save_checkpoint(tmp_path, weights, state.state_dict(), keep=1, best=4 if step >= 4 else 2)
    assert [path.name for path in list_checkpoints(tmp_path)] == ["step-00000004", "step-00000008"]
