"""Which run and which model are meant, whose they are, and what is said where they may not be read."""

import json
import os
import re
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tiny_generator import tiny_generator
from tiny_run import tiny_config, tiny_state

from videogan.artifacts import runs
from videogan.artifacts.checkpoint_files import META, STATE, WEIGHTS, newest_checkpoint
from videogan.artifacts.checkpoints import save_checkpoint
from videogan.artifacts.runs import RunFolder, claim_run, find_weights, list_runs, next_run
from videogan.artifacts.weights import Card, Weights, load_weights, pack_weights
from videogan.errors import CheckpointError, UsageError
from videogan.models.build import build_encoder
from videogan.presets import save_config

CARD = Card(tiny_config(), ("a", "b"), frame_rate=25, step=7, clips_seen=28)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    weights = Weights(tiny_generator(2), build_encoder(CARD.config), CARD)
    return save_checkpoint(
        tmp_path_factory.mktemp("checkpoints"), weights, tiny_state(CARD.config).state_dict(), keep=1
    )


def make_run(checkpoint: Path, path: Path, time: int) -> Path:
    shutil.copytree(checkpoint, path / "checkpoints" / checkpoint.name)
    save_config(CARD.config, path / "config.json")
    os.utime(path / "checkpoints" / checkpoint.name / META, (time, time))
    return path


def test_the_run_that_was_trained_last_is_taken_whatever_its_name(checkpoint, tmp_path, caplog):
    newest = make_run(checkpoint, tmp_path / "runs" / "demo", 300)
    make_run(checkpoint, tmp_path / "runs" / "00009-clips", 200)
    make_run(checkpoint, tmp_path / "runs" / "old", 100)
    (tmp_path / "runs" / "notes").mkdir()
    assert [run.path.name for run in list_runs(tmp_path / "runs")] == ["old", "00009-clips", "demo"]
    assert find_weights(None, tmp_path / "runs").is_relative_to(newest)
    assert not caplog.records
    (newest / "checkpoints" / checkpoint.name / STATE).write_bytes(b"damaged")
    assert find_weights(None, tmp_path / "runs").parts[-4] == "00009-clips"
    assert "demo: no usable checkpoint" in caplog.text


def test_best_is_the_checkpoint_of_lowest_distance(checkpoint, tmp_path):
    run = make_run(checkpoint, tmp_path / "run", 100)
    shutil.copytree(checkpoint, run / "checkpoints" / "step-00000009")
    assert find_weights(run).parent.name == "step-00000009"
    with pytest.raises(CheckpointError, match="never evaluated"):
        find_weights(run, best=True)
    rows = [{"step": 7, "tick_kernel_distance": 0.1}, {"step": 9, "tick_kernel_distance": 0.2}]
    (run / "metrics.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert find_weights(run, best=True) == run / "checkpoints" / "step-00000007" / WEIGHTS
    for other in (checkpoint, checkpoint / WEIGHTS):
        with pytest.raises(UsageError, match="--best"):
            find_weights(other, best=True)
    (run / "checkpoints" / "step-00000007" / STATE).unlink()
    with pytest.raises(CheckpointError, match="best checkpoint is damaged or gone"):
        find_weights(run, best=True)


def test_each_of_many_that_begin_at_once_gets_a_folder_of_its_own(tmp_path):
    new = next_run("clips", tmp_path / "runs")
    with ThreadPoolExecutor(8) as pool:
        claimed = list(pool.map(lambda _: claim_run(new).path.name, range(8)))
    assert sorted(claimed) == [f"{number:05d}-clips" for number in range(8)]


@pytest.mark.parametrize("mask", [0o002, 0o022, 0o077])
def test_the_umask_decides_who_may_read(tmp_path, mask):
    old = os.umask(mask)
    try:
        state = tiny_state(CARD.config)
        saved = save_checkpoint(tmp_path, state.weights(("a", "b"), CARD.frame_rate), state.state_dict(), keep=1)
    finally:
        os.umask(old)
    assert {path.stat().st_mode & 0o777 for path in saved.iterdir()} == {0o666 & ~mask}
    assert saved.stat().st_mode & 0o777 == 0o777 & ~mask


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(
    "closed", ["", "checkpoints", f"checkpoints/step-00000007/{WEIGHTS}", f"checkpoints/step-00000007/{META}"]
)
def test_what_may_not_be_read_is_not_told_as_damage(checkpoint, closed):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        run = make_run(checkpoint, Path(folder) / "run", 100)
        (run / closed).chmod(0o600)
        os.seteuid(65534)
        try:
            with pytest.raises(CheckpointError, match=r"may not be read by you|Permission denied"):
                find_weights(run)
            if closed:
                with pytest.raises(CheckpointError, match="may not be read by you"):
                    newest_checkpoint(run / "checkpoints")
        finally:
            os.seteuid(0)
            (run / closed).chmod(0o755)


def test_a_model_is_known_by_its_tensors(checkpoint, tmp_path):
    own = load_weights(checkpoint / WEIGHTS)
    files = {pack_weights(own, half=False) for _ in range(8)}
    (tmp_path / "shared.safetensors").write_bytes(files.pop())
    assert load_weights(tmp_path / "shared.safetensors").sha256 == own.sha256
    assert re.fullmatch("[0-9a-f]{64}", own.sha256)
    (tmp_path / "half.safetensors").write_bytes(pack_weights(own, half=True))
    half = load_weights(tmp_path / "half.safetensors")
    assert half.sha256 != own.sha256, "its numbers are others"
    (tmp_path / "again.safetensors").write_bytes(pack_weights(half, half=False))
    assert load_weights(tmp_path / "again.safetensors").sha256 == half.sha256


def test_what_a_killed_training_left_is_removed_and_nothing_else(checkpoint, tmp_path, dead_process):
    run = RunFolder(make_run(checkpoint, tmp_path / "run", 100))
    left = run.checkpoints / ".step-00000008.part"
    shutil.copytree(checkpoint, left)
    part = run.path / f"report.html.{dead_process}.part"
    run.previews.mkdir()
    preview = run.previews / f"step-00000007.mp4.{dead_process}.part"
    others = [
        run.path / "report.html.x.part",
        run.path / f"mine.{dead_process}.part",
        run.path / f"report.html.{os.getpid()}.part",
    ]
    for path in (part, preview, *others):
        path.touch()
    mine = run.checkpoints / ".step-00000009.part"
    mine.mkdir()
    (mine / "notes.txt").touch()
    run.remove_abandoned()
    assert not left.exists()
    assert not part.exists()
    assert not preview.exists()
    assert all(path.exists() for path in (*others, mine / "notes.txt"))
    assert runs.verify(checkpoint)


def test_best_of_the_newest_run_is_never_that_of_an_older_one(checkpoint, tmp_path):
    older = make_run(checkpoint, tmp_path / "runs" / "older", 100)
    (older / "metrics.jsonl").write_text(json.dumps({"step": 7, "tick_kernel_distance": 0.1}))
    make_run(checkpoint, tmp_path / "runs" / "newer", 200)
    with pytest.raises(CheckpointError, match="newer: was never evaluated"):
        find_weights(None, tmp_path / "runs", best=True)
