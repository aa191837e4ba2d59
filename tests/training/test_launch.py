"""What the environment of a process says of the others."""

import pytest

from videogan.errors import UsageError
from videogan.training.launch import Launch, Process, first_node, launch_from_environment

STORE = {"MASTER_ADDR": "gpu1", "MASTER_PORT": "29500"}
TASK = {"SLURM_STEP_NUM_TASKS": "4", "SLURM_NTASKS": "4", "SLURM_PROCID": "3", "SLURM_NODEID": "1"}


def test_torchrun_serves_the_store_and_numbers_the_machines():
    by_torchrun = {**STORE, "RANK": "0", "WORLD_SIZE": "4", "GROUP_RANK": "1", "TORCHELASTIC_RUN_ID": "x"}
    launch = launch_from_environment({**by_torchrun, "TORCHELASTIC_USE_AGENT_STORE": "True"})
    assert (launch.process, launch.node, launch.serves) == (Process(0, 4), "1", False)
    assert (launch.address, launch.port) == ("gpu1", 29500)
    assert launch_from_environment(by_torchrun).serves


@pytest.mark.parametrize("variables", [{}, {"WORLD_SIZE": "1", "RANK": "0"}, {"SLURM_NTASKS": "1"}])
def test_a_process_alone(variables):
    assert launch_from_environment(variables) == Launch()


def test_a_world_without_a_meeting_place_is_refused():
    with pytest.raises(UsageError, match=r"WORLD_SIZE=4 says .* MASTER_ADDR, MASTER_PORT are not set: start them by"):
        launch_from_environment({"RANK": "3", "WORLD_SIZE": "4"})
    with pytest.raises(UsageError, match=r"RANK is not set"):
        launch_from_environment({**STORE, "WORLD_SIZE": "4"})


def test_tasks_of_slurm_meet_on_the_first_machine_of_their_step():
    step = {**TASK, "SLURM_STEP_NODELIST": "gpu[003-008,011]", "SLURM_JOB_ID": "1234567"}
    launch = launch_from_environment(step)
    assert (launch.process, launch.node, launch.serves) == (Process(3, 4), "1", False)
    assert (launch.address, launch.port) == ("gpu003", 24567)
    assert launch_from_environment({**step, "SLURM_PROCID": "0", **STORE}).address == "gpu1"
    with pytest.raises(UsageError, match="set MASTER_ADDR, or start them by torchrun"):
        launch_from_environment(TASK)
    started_by_torchrun = {**TASK, "TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "1", "RANK": "0"}
    assert launch_from_environment(started_by_torchrun) == Launch()


def test_a_job_script_without_srun_trains_alone_and_says_so(caplog):
    script = {"SLURM_NTASKS": "4", "SLURM_PROCID": "0"}
    assert launch_from_environment(script) == Launch()
    assert "Slurm has 4 tasks" in caplog.text and "`srun videogan train ...`" in caplog.text


@pytest.mark.parametrize(
    ("nodes", "first"),
    [
        ("gpu[003-008,011],login1", "gpu003"),
        ("gpu7", "gpu7"),
        ("a-1,b", "a-1"),
        ("rack2n[5]-ib", "rack2n5-ib"),
        ("", ""),
    ],
)
def test_the_first_name_of_a_list_of_nodes(nodes, first):
    assert first_node(nodes) == first
