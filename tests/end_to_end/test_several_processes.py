"""``videogan train`` under torchrun, with two processes on one CPU."""

import json
import os
import subprocess
import sys
from pathlib import Path

ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}
CLI = Path(__file__).parents[2] / "cli.py"


def torchrun(*arguments: object) -> subprocess.CompletedProcess[str]:
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--", str(CLI)]
    return subprocess.run(
        [*start, *map(str, arguments)], capture_output=True, text=True, env=ENVIRONMENT, check=False, timeout=300
    )


def test_two_processes_train_one_run_and_go_on_with_it(clips, tiny):
    result = torchrun("train", clips, *tiny, "--steps", 4)
    assert result.returncode == 0, result.stderr
    run = Path("runs/00000-clips-32x32x8")
    assert result.stdout.split() == [str(run)]
    assert "processes: 2, each with batches of 4 clips" in result.stderr
    assert result.stderr.count("looking at") + result.stderr.count("clips: 12 videos") == 1
    assert [path.name for path in Path("runs").iterdir()] == [run.name]
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [(row["step"], row["clips_seen"]) for row in rows] == [(2, 16), (4, 32)]
    assert json.loads((run / "status.json").read_text())["status"] == "finished"

    result = torchrun("train", clips, *tiny, "--steps", 6, "--run", run)
    assert result.returncode == 0, result.stderr
    assert "going on from step 4" in result.stderr
    assert json.loads((run / "status.json").read_text())["step"] == 6


def test_a_mistake_is_told_once(clips, tiny):
    video = next(clips.rglob("*.mp4"))
    result = torchrun("train", clips, *tiny, "--steps", 4, "--run", video / "run")
    assert result.returncode != 0
    assert result.stderr.count("is a file, so the run folder") == 1
