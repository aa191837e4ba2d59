"""The examples that prepare clips on many machines: Slurm's script as one of its tasks, Ray's on a cluster of two."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import videogan as door
from videogan.preparation.synthetic import moving_shapes
from videogan.video import VideoWriter

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def raw(tmp_path) -> Path:
    """Six videos of 20 frames in two classes."""
    for number in range(6):
        path = tmp_path / "raw" / "ab"[number % 2] / f"{number}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        with VideoWriter(path) as writer:
            writer.write(moving_shapes(number, size=32, num_frames=20)[0])
    return tmp_path / "raw"


def test_a_task_of_the_array_makes_its_shard(raw, tmp_path):
    program = tmp_path / "bin" / "videogan"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m videogan "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    script = EXAMPLES / "prepare.sbatch"
    subprocess.run(["bash", "-n", script], check=True)
    variables = {"SLURM_ARRAY_TASK_ID": "999", "PATH": f"{program.parent}:{os.environ['PATH']}"}
    command = ["bash", script, raw, tmp_path / "with space"]
    done = subprocess.run(command, env={**os.environ, **variables}, check=True, capture_output=True, text=True)
    assert done.stdout == f"{tmp_path / 'with space' / 'clips-000999.tar'}\n"


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_ray_makes_every_shard_on_two_workers(raw, tmp_path):
    cluster_utils = pytest.importorskip("ray.cluster_utils", reason="needs the extra `examples`")
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    try:
        for _ in range(2):
            cluster.add_node(num_cpus=1)
        command = [sys.executable, EXAMPLES / "prepare_ray.py", raw, tmp_path / "out", "--shards", "4"]
        variables = {"RAY_ADDRESS": cluster.address}
        done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True)
    finally:
        cluster.shutdown()
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "4 of 4 shards, 6 clips"
    tars = sorted((tmp_path / "out").glob("*.tar"))
    assert [tar.name for tar in tars] == [f"clips-{index:06d}.tar" for index in range(4)]
    for index, tar in enumerate(tars):
        alone = door.prepare("folder", tmp_path / "alone", raw=raw, shard=(index, 4)).tar
        assert alone.read_bytes() == tar.read_bytes()
