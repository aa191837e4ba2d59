import pytest
import torch
from tiny_run import run_step, tiny_config, tiny_state


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("default")
def test_a_compiled_step_equals_an_eager_one():
    config = tiny_config("encoder.interval=1")
    eager, compiled = tiny_state(config), tiny_state(config)
    compiled.networks.compile()
    for step in range(2):
        expected, got = run_step(eager, config, step), run_step(compiled, config, step)
        for name, value in expected.items():
            assert torch.allclose(got[name], value, rtol=1e-2, atol=1e-4), name
    names = compiled.state_dict()["networks"]["generator"].keys()
    assert names == eager.state_dict()["networks"]["generator"].keys(), "compiling renames no weights"


def test_a_state_of_another_device_loads_without_what_that_device_asked_of_its_optimizers():
    config = tiny_config()
    trained, fresh = tiny_state(config), tiny_state(config)
    run_step(trained, config, 0)
    state = trained.state_dict()
    for optimizer in state["optimizers"].values():
        for group in optimizer["param_groups"]:
            group |= {"lr": torch.tensor(0.5), "capturable": True}
    fresh.load_state_dict(state)
    for optimizer, same in zip(fresh.optimizers, trained.optimizers, strict=True):
        (group,) = optimizer.param_groups
        assert (group["capturable"], group["lr"]) == (False, config.optimizer.learning_rate)
        for moments, others in zip(optimizer.state.values(), same.state.values(), strict=True):
            assert all(torch.equal(moments[name], others[name]) for name in others)
    run_step(fresh, config, 1)
