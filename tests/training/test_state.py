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
