"""The text files of a run, of an evaluation and of a video's provenance."""

import json
import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from fuzzing import EXAMPLES, as_json, changed_trees, damaged, try_all
from hypothesis import strategies as st
from tiny_run import TINY, tiny_config, tiny_state

import videogan
from videogan.artifacts.checkpoints import load_state, save_checkpoint
from videogan.artifacts.metrics_file import drop_metrics_after, read_metrics
from videogan.artifacts.provenance import SampleOptions, read_provenance, sample_options
from videogan.artifacts.runs import META, RunFolder, newest_checkpoint, verify
from videogan.metrics.report import Report, Row, compare, read_report
from videogan.presets import load_config, preset, save_config
from videogan.training.report import write_report
from videogan.video import VideoWriter


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run with one checkpoint, some figures and a status."""
    folder = RunFolder(tmp_path_factory.mktemp("run") / "00000-a")
    folder.make()
    config = tiny_config()
    save_config(config, folder.config)
    state = tiny_state(config)
    save_checkpoint(folder.checkpoints, state.weights(("a", "b"), Fraction(25)), state.state_dict(), keep=1)
    rows = [{"step": step, "seconds": 0.5 * step, "generator_loss": 0.25, "kernel_distance": 3} for step in (1, 2, 3)]
    folder.metrics.write_text("".join(json.dumps(row) + "\n" for row in rows))
    folder.status.write_text(json.dumps({"state": "running", "step": 3, "seconds_left": 4.5, "pid": 1}))
    return folder


@pytest.mark.parametrize("share", EXAMPLES)
def test_metrics(share: float, run: RunFolder) -> None:
    rows = [json.loads(line) for line in run.metrics.read_text().splitlines()]
    lines = st.lists(changed_trees(rows[1]).map(as_json), min_size=1, max_size=3).map(b"\n".join)
    whole = run.metrics.read_bytes()

    def check(data: bytes) -> None:
        run.metrics.write_bytes(data)
        read_metrics(run.metrics)
        write_report(run, tiny_config())
        drop_metrics_after(run.metrics, 1)
        read_metrics(run.metrics)

    assert try_all(lines | damaged(whole), check, 900 * share)
    run.metrics.write_bytes(whole)


@pytest.mark.parametrize("share", EXAMPLES)
def test_status(share: float, run: RunFolder) -> None:
    whole = run.status.read_bytes()

    def check(data: bytes) -> None:
        run.status.write_bytes(data)
        json.dumps(videogan.inspect(run.path))

    assert try_all(changed_trees(json.loads(whole)).map(as_json) | damaged(whole), check, 500 * share)
    run.status.write_bytes(whole)


@pytest.mark.parametrize("share", EXAMPLES)
def test_descriptions_of_checkpoints(share: float, run: RunFolder) -> None:
    checkpoint = newest_checkpoint(run.checkpoints)
    assert checkpoint is not None
    meta = checkpoint / META
    whole = meta.read_bytes()

    def check(data: bytes) -> None:
        meta.write_bytes(data)
        if verify(checkpoint):
            load_state(checkpoint, "cpu")

    assert try_all(changed_trees(json.loads(whole)).map(as_json) | damaged(whole), check, 700 * share)
    meta.write_bytes(whole)
    assert verify(checkpoint)


@pytest.mark.parametrize("share", EXAMPLES)
def test_configurations(share: float, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    save_config(tiny_config(), path)
    whole = path.read_bytes()

    def check(data: bytes) -> None:
        path.write_bytes(data)
        save_config(load_config(path), tmp_path / "again.json")

    assert try_all(changed_trees(json.loads(whole)).map(as_json) | damaged(whole), check, 900 * share)


@pytest.mark.parametrize("share", EXAMPLES)
def test_reports(share: float, tmp_path: Path) -> None:
    protocol = {"generated_clips": 8, "real_clips": 8, "num_frames": 16, "size": 32, "features": "x", "seed": 0}
    rows = {"kernel_distance": Row(1.5, 0.1, "low", (1.0, 2.0)), "motion_energy": Row(0.4, None, "near 1")}
    whole = Report(
        created="2026-11-26", real="a", generated="b", protocol=protocol, versions={"torch": "2"}, metrics=rows,
        warnings=["few clips"], seconds={"all": 1.5},
    ).model_dump_json().encode()  # fmt: skip
    (tmp_path / "good.json").write_bytes(whole)
    path = tmp_path / "report.json"

    def check(data: bytes) -> None:
        path.write_bytes(data)
        read_report(path).lines()
        compare(path, tmp_path / "good.json").lines()

    assert try_all(changed_trees(json.loads(whole)).map(as_json) | damaged(whole), check, 800 * share)


@pytest.mark.parametrize("share", EXAMPLES)
def test_provenance(share: float, tmp_path: Path) -> None:
    options = SampleOptions(frames=8, seeds=(0, 5), grid="1x2").model_dump(mode="json")
    about = {"videogan": "1", "command": "sample", "model_sha256": "ab" * 32, "step": 3, "seed": 5, "frames": 8}
    about |= {"options": options, "device": "cpu", "versions": {"torch": "2"}}
    texts = changed_trees(about).map(json.dumps) | damaged(as_json(about)).map(
        lambda data: data.decode("utf-8", "replace")
    )
    path = tmp_path / "a.png"

    def check(text: str) -> None:
        clean = text.replace("\0", "").encode("utf-8", "replace").decode()
        with VideoWriter(path, comment=clean, overwrite=True) as writer:
            writer.write(np.zeros((1, 4, 4, 3), np.uint8))
        read_provenance(path)
        sample_options(path)

    assert try_all(texts, check, 800 * share)


@pytest.mark.parametrize("share", EXAMPLES)
def test_settings(share: float) -> None:
    keys = sorted(
        f"{group}.{name}" for group, values in tiny_config().model_dump().items() if isinstance(values, dict)
        for name in values
    )  # fmt: skip
    values = (
        changed_trees({"": [1]}).map(json.dumps)
        | st.text(max_size=20)
        | st.sampled_from(["nan", "[" * 3000, "9" * 5000])
    )
    words = st.one_of(
        st.builds("{}={}".format, st.sampled_from(keys), values), st.text(max_size=20), damaged(TINY[0].encode()).map(
            lambda data: data.decode("utf-8", "replace")
        )
    )  # fmt: skip
    assert try_all(st.lists(words, min_size=1, max_size=3), lambda given: preset("cpu", given), 900 * share)


def test_nothing_is_left_behind(run: RunFolder) -> None:
    assert not list(run.path.rglob("*.part"))
    shutil.rmtree(run.path)
