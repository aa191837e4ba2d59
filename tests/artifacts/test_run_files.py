"""Files of a run that are damaged, of another kind or of any size: one line, at once, and nothing is lost."""

import json
import os
import zipfile
from fractions import Fraction

import pytest
import torch
from tiny_run import real_batch, tiny_config, tiny_state, train_step

from videogan.artifacts.checkpoint_files import META, STATE, WEIGHTS, verify
from videogan.artifacts.checkpoints import load_state, save_checkpoint
from videogan.artifacts.metrics_file import append_metrics, drop_metrics_after, read_metrics
from videogan.artifacts.runs import find_weights
from videogan.errors import CheckpointError, UsageError
from videogan.files import check_regular, load_json, printable, read_bytes, read_json
from videogan.presets import load_config
from videogan.training.draws import draw_step


def make(kind, path):
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "huge":
        with path.open("wb") as file:
            file.truncate(20 * 2**30)
    else:
        path.write_bytes(
            {"deep": 100_000 * b"[", "bytes": b"\xff\xfe{", "number": 5000 * b"9", "NULs": bytes(100)}[kind]
        )


KINDS = ("pipe", "folder", "device", "huge", "deep", "bytes", "number", "NULs")


@pytest.mark.parametrize("kind", KINDS)
def test_no_reader_waits_or_reads_without_an_end(tmp_path, kind):
    path = tmp_path / "x"
    make(kind, path)
    with pytest.raises((OSError, ValueError)):
        load_json(path)
    assert read_json(path) is None
    with pytest.raises(UsageError, match="not a readable config file"):
        load_config(path)
    if kind in ("pipe", "folder", "device", "huge"):
        with pytest.raises(OSError, match=r"regular|larger"):
            read_bytes(path)
        with pytest.raises(UsageError, match="cannot be read"):
            read_metrics(path)
    else:
        assert read_metrics(path) == []


def test_a_name_that_no_file_can_have_is_no_bug(tmp_path):
    for name in ("a\0b", "x" * 300):
        with pytest.raises(OSError, match=r"null|too long"):
            check_regular(tmp_path / name)
        with pytest.raises(CheckpointError):
            find_weights(tmp_path / name)
    assert printable("\ud800") == "\\ud800"
    assert printable(os.fsdecode(b"a\xff\x1b[2J\n")) == "a\\xff\\x1b[2J\\n"


def test_metrics_keep_every_good_row(tmp_path):
    path = tmp_path / "metrics.jsonl"
    append_metrics(path, {"step": 1, "x": 0.5})
    bad = [b"\xff\xfe", b"[1]", b"7", b"null", b'{"x": 1}', b'{"step": "2"}', bytes(9), 9999 * b"[", b'{"step": true}']
    bad += [b'{"step": -1}', b'{"step": 1' + 400 * b"0" + b"}", b'{"step": ' + 5000 * b"1" + b"}"]
    with path.open("ab") as file:
        file.write(b"\n".join(bad))
        file.write(b'\n{"step": 2, "x": NaN, "y": 1e999, "z": "text", "w": 1' + 400 * b"0" + b', "v": 3}\n')
        file.write(b'{"step": 3, "x":')
    assert read_metrics(path) == [{"step": 1, "x": 0.5}, {"step": 2, "v": 3}]
    drop_metrics_after(path, 1)
    assert path.read_text() == '{"step": 1, "x": 0.5}\n'


@pytest.fixture
def checkpoint(tmp_path):
    config = tiny_config()
    state = tiny_state(config)
    real, labels = real_batch(config, 0)
    draws = draw_step(config, state.networks.generator, labels, step=0, device=torch.device("cpu"))
    train_step(state.networks, state.optimizers, real, labels, draws, config)
    weights = state.weights(("right", "down"), Fraction(25))
    return save_checkpoint(tmp_path / "checkpoints", weights, state.state_dict(), keep=2)


@pytest.mark.parametrize("name", [WEIGHTS, STATE, META])
@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_of_other_files_is_damaged(checkpoint, name, kind):
    assert verify(checkpoint)
    (checkpoint / name).unlink()
    make(kind, checkpoint / name)
    assert not verify(checkpoint)


@pytest.mark.parametrize("content", [[], {}, {"files": []}, {"files": {WEIGHTS: 1, STATE: 2}}, {"files": None}])
def test_a_damaged_description_of_a_checkpoint(checkpoint, content):
    (checkpoint / META).write_text(json.dumps(content))
    assert not verify(checkpoint)


@pytest.mark.parametrize(
    "change",
    [
        lambda state: [state],
        lambda state: state | {"step": "abc"},
        lambda state: state | {"step": -100},
        lambda state: state | {"step": 10**40},
        lambda state: state | {"milliseconds": None},
        lambda state: state | {"networks": [1]},
        lambda state: state | {"networks": {name: [2] for name in state["networks"]}},
        lambda state: state | {"optimizers": [1]},
        lambda state: state | {"optimizers": {name: {} for name in state["optimizers"]}},
        lambda state: state | {"halvings": "often"},
    ],
)
def test_a_damaged_state_is_refused(checkpoint, change):
    torch.save(change(load_state(checkpoint, "cpu")), checkpoint / STATE)
    with pytest.raises(CheckpointError) as refused:
        tiny_state(tiny_config()).load_state_dict(load_state(checkpoint, "cpu"))
    assert "\n" not in str(refused.value)


def test_moments_of_other_shapes_are_refused(checkpoint):
    state = load_state(checkpoint, "cpu")
    state["optimizers"]["encoder"]["state"][0]["exp_avg"] = torch.zeros(3, 5)
    with pytest.raises(CheckpointError, match="exp_avg"):
        tiny_state(tiny_config()).load_state_dict(state)


def test_a_state_that_would_unpack_to_gigabytes_is_refused_before(checkpoint):
    with zipfile.ZipFile(checkpoint / STATE) as whole:
        members = {name: whole.read(name) for name in whole.namelist()}
    with zipfile.ZipFile(checkpoint / STATE, "w", zipfile.ZIP_DEFLATED) as bomb:
        for name, content in members.items():
            if name.endswith("data.pkl"):
                with bomb.open(name, "w") as member:
                    for _ in range(200):
                        member.write(bytes(2**20))
            else:
                bomb.writestr(name, content)
    with pytest.raises(CheckpointError, match="claims to unpack to"):
        load_state(checkpoint, "cpu")
