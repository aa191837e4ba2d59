"""``videogan train`` under torchrun: two processes on one machine, and two machines with a home of their own each."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from processes import free_port
from torch.utils._pytree import tree_leaves

ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}
CLI = Path(__file__).parents[2] / "cli.py"
FAULTY = Path(__file__).parents[1] / "faulty_cli.py"
TORCHRUN = (sys.executable, "-m", "torch.distributed.run")


def torchrun(*arguments: object) -> subprocess.CompletedProcess[str]:
    start = [*TORCHRUN, "--standalone", "--nproc-per-node", "2", "--", CLI, *arguments]
    return subprocess.run(
        list(map(str, start)), capture_output=True, text=True, env=ENVIRONMENT, check=False, timeout=300
    )


@pytest.fixture
def machines(clips, tmp_path) -> list[Path]:
    """The homes and working folders of two machines, each with the clips."""
    homes = [tmp_path / name for name in ("a", "b")]
    for home in homes:
        shutil.copytree(clips, home / "clips")
    return homes


def on_both(
    machines: list[Path], *arguments: object, program: Path = CLI, restarts: int = 0, **variables: str
) -> list[list[str]]:
    """Run a command under torchrun on two machines; return what each says, without torchrun's own words."""
    port = free_port()
    started = []
    for rank, home in enumerate(machines):
        start = [*TORCHRUN, "--nnodes=2", "--nproc-per-node=1", f"--node-rank={rank}", "--master-addr=127.0.0.1"]
        start += [f"--master-port={port}", f"--max-restarts={restarts}", "--", program, *arguments]
        started.append(
            subprocess.Popen(
                list(map(str, start)),
                cwd=home,
                env={**ENVIRONMENT, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), **variables},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    return [said_by_videogan(process.communicate(timeout=280)[1]) for process in started]


def said_by_videogan(stderr: str) -> list[str]:
    """Return the lines before torchrun's own report of a failure, which begins with its level and time."""
    return re.split(r"^[EW]\d{4} .*torch/distributed/elastic", stderr, maxsplit=1, flags=re.MULTILINE)[0].splitlines()


def states(machines: list[Path]) -> list[dict]:
    return [torch.load(home / f"state-{rank}.pt", weights_only=True) for rank, home in enumerate(machines)]


def check_same_weights(machines: list[Path], step: int) -> None:
    """All tensors, of optimizers too, are the same to the bit on both machines."""
    first, second = states(machines)
    assert (first["step"], second["step"]) == (step, step)
    pairs = zip(tree_leaves(first), tree_leaves(second), strict=True)
    tensors = [pair for pair in pairs if isinstance(pair[0], torch.Tensor)]
    assert len(tensors) > 300 and all(torch.equal(own, theirs) for own, theirs in tensors)


def test_two_processes_train_one_run(clips, tiny):
    result = torchrun("train", clips, *tiny, "--steps", 4)
    assert result.returncode == 0, result.stderr
    run = Path("runs/00000-clips-32x32x8")
    assert result.stdout.split() == [str(run)]
    assert "processes: 2, each with batches of 4 clips" in result.stderr
    assert "exchange: 1.4 MB of gradients a step to and from each process, in float32" in result.stderr
    assert result.stderr.count("looking at") + result.stderr.count("clips: 12 videos") == 1
    assert [path.name for path in Path("runs").iterdir()] == [run.name]
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [(row["step"], row["clips_seen"]) for row in rows] == [(2, 16), (4, 32)]
    assert json.loads((run / "status.json").read_text())["status"] == "finished"


def test_a_mistake_is_told_once(clips, tiny):
    video = next(clips.rglob("*.mp4"))
    result = torchrun("train", clips, *tiny, "--steps", 4, "--run", video / "run")
    assert result.returncode != 0
    assert result.stderr.count("is a file, so the run folder") == 1


def test_two_machines_go_on_with_a_run_that_only_one_of_them_has(machines, trained, tiny):
    shutil.copytree(trained, machines[0] / "run")
    command = ("train", "clips", "--run", "run", *tiny, "--set", "data.cache_dir=cache", "--steps", 4)
    first, second = on_both(machines, *command, program=FAULTY)
    check_same_weights(machines, step=4)
    assert any(line.startswith("going on from step 2") for line in first), first
    assert any(re.match("run: run on .*, where rank 0 is", line) for line in second), second
    assert sorted(path.name for path in machines[1].iterdir()) == ["cache", "clips", "state-1.pt"]
    assert json.loads((machines[0] / "run" / "status.json").read_text())["step"] == 4


def test_a_run_on_the_machine_that_is_not_the_first_this_time_is_not_begun_anew(machines, trained, tiny):
    shutil.copytree(trained, machines[1] / "run")
    command = ("train", "clips", "--run", "run", *tiny, "--set", "data.cache_dir=cache", "--steps", 4)
    said = on_both(machines, *command)
    check_told_once(said, 1, "another run to go on with than rank 0")
    assert any(line.endswith("(torchrun --node-rank 0), or begin anew with --resume never") for line in said[0]), said
    assert not (machines[0] / "run").exists()


def rename_class(home: Path) -> None:
    (home / "clips" / "circle").rename(home / "clips" / "zircle")


def remove_clip(home: Path) -> None:
    next((home / "clips" / "circle").iterdir()).unlink()


def remove_class(home: Path) -> None:
    shutil.rmtree(home / "clips" / "circle")


def remove_clips(home: Path) -> None:
    shutil.rmtree(home / "clips")


def damage_clips(home: Path) -> None:
    for path in (home / "clips").rglob("*.mp4"):
        path.write_bytes(path.read_bytes()[:300])


def check_told_once(machines: list[list[str]], culprit: int, message: str) -> None:
    """Each machine shows one line of the same mistake; where it was made without saying by whom."""
    for rank, said in enumerate(machines):
        (line,) = [line for line in said if line.startswith("error: ")]
        assert message in line
        assert line.startswith(f"error: rank {culprit} on ") or rank == culprit
        assert not any("Traceback" in line or "gloo" in line for line in said), said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "machine", "message"),
    [
        (remove_clip, 1, "another list of clips than rank 0"),
        (rename_class, 1, "another list of classes than rank 0"),
        (remove_class, 1, "another list of classes than rank 0"),
        (remove_clips, 1, "clips: no such file or folder"),
        (remove_clips, 0, "clips: no such file or folder"),
        (damage_clips, 1, "no usable video"),
    ],
)
def test_machines_with_other_clips_are_refused(fault, machine, message, machines, tiny):
    fault(machines[machine])
    check_told_once(on_both(machines, "train", "clips", *tiny, "--steps", 4), machine, message)
    assert not (machines[0] / "runs").exists()


FAULTS = (("disk", "No space left on device"), ("bug", "KeyError"), ("hang", "train.timeout_minutes"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "message", "culprit"),
    [
        ("killed", "the store that all processes share is gone", 0),  # which rank 0 holds
        ("killed", "no sign of life for 8 seconds", 1),
        *((kind, message, culprit) for kind, message in FAULTS for culprit in (0, 1)),
    ],
)
def test_a_failure_at_a_step_ends_both(kind, message, culprit, machines, tiny):
    command = ("train", "clips", *tiny, "--set", "train.timeout_minutes=0.2", "--steps", 6)
    said = on_both(machines, *command, program=FAULTY, FAULT=f"{culprit}:3:{kind}")
    (line,) = [line for line in said[1 - culprit] if line.startswith("error: ")]
    assert message in line
    assert "Traceback" not in "".join(said[1 - culprit])


@pytest.mark.slow
@pytest.mark.parametrize("work", ["fill", "preview"])
def test_work_of_any_length_is_waited_for(work, machines, tiny):
    command = ("train", "clips", *tiny, "--set", "train.timeout_minutes=0.2", "--steps", 2)
    said = on_both(machines, *command, program=FAULTY, SLOW=work)
    assert not any("error" in line for lines in said for line in lines), said
    check_same_weights(machines, step=2)


@pytest.mark.slow
def test_other_settings_and_other_code_are_refused(machines, tiny, tmp_path):
    shutil.copytree(CLI.parent / "videogan", tmp_path / "b" / "videogan")
    with (tmp_path / "b" / "videogan" / "losses" / "adversarial.py").open("a") as file:
        file.write("# another loss\n")
    shutil.copy(CLI, tmp_path / "b")
    port = free_port()
    code = (
        "import os, sys; os.environ |= {'RANK': sys.argv[1]}; sys.path.insert(0, sys.argv[2]); "
        "sys.argv = ['videogan', *sys.argv[3:]]; from videogan.cli import main; main()"
    )
    for root, setting, message in (
        (tmp_path / "b", "train.seed=0", "another code of videogan than rank 0"),
        (CLI.parent, "train.seed=3", "another train.seed than rank 0"),
    ):
        meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2", "GROUP_RANK": ""}
        environment = {**ENVIRONMENT, **meeting, "PYTHONPATH": ""}
        started = [
            subprocess.Popen(
                [sys.executable, "-c", code, rank, str(path), "train", "clips", *tiny, "--set", value],
                cwd=home,
                env=environment,
                stderr=subprocess.PIPE,
                text=True,
            )
            for rank, path, home, value in zip(
                "01", (CLI.parent, root), machines, ("train.seed=0", setting), strict=True
            )
        ]
        said = [process.communicate(timeout=280)[1] for process in started]
        assert [process.returncode for process in started] == [2, 2], said
        assert message in said[0]


@pytest.mark.slow
def test_a_killed_process_starts_again_from_the_checkpoint(machines, tiny):
    command = ("train", "clips", "--run", "run", *tiny, "--steps", 4)
    on_both(machines, *command, program=FAULTY, FAULT="1:3:killed", restarts=2)
    check_same_weights(machines, step=4)
