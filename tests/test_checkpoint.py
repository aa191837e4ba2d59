import json
import os
import shutil
from fractions import Fraction

import pytest
import torch
from safetensors.torch import save_file
from tiny_run import run_step, tiny_config, tiny_state

from videogan.artifacts.checkpoint_files import META, STATE, WEIGHTS, list_checkpoints, newest_checkpoint, verify
from videogan.artifacts.checkpoints import load_state, save_checkpoint
from videogan.artifacts.weights import load_weights
from videogan.errors import CheckpointError, UsageError

CONFIG = tiny_config()
NAMES = ("right", "down")


def save(folder, step=0, keep=2):
    state = tiny_state(CONFIG)
    state.step = step
    weights = state.weights(NAMES, Fraction(30000, 1001))
    return state, save_checkpoint(folder, weights, state.state_dict(), keep=keep)


def test_weights_describe_themselves(tmp_path):
    state, checkpoint = save(tmp_path, step=7)
    alone = tmp_path / "shared.safetensors"
    alone.write_bytes((checkpoint / WEIGHTS).read_bytes())
    loaded = load_weights(alone)
    assert loaded.card.config == CONFIG
    assert loaded.card.class_names == NAMES
    assert loaded.card.frame_rate == Fraction(30000, 1001)
    assert loaded.card.step == 7
    for name, value in state.networks.ema_generator.state_dict().items():
        assert torch.equal(loaded.generator.state_dict()[name], value)
    assert not any(p.requires_grad for p in loaded.generator.parameters())


def test_a_saved_state_goes_on_bit_for_bit(tmp_path):
    state = tiny_state(CONFIG)
    for step in range(3):
        run_step(state, CONFIG, step)
    state.step = 3
    weights = state.weights(NAMES, Fraction(25))
    checkpoint = save_checkpoint(tmp_path, weights, state.state_dict(), keep=2)
    restored = tiny_state(CONFIG)
    restored.load_state_dict(load_state(checkpoint, "cpu"))
    assert restored.step == 3
    for step in (3, 4):
        expected, got = run_step(state, CONFIG, step), run_step(restored, CONFIG, step)
        assert all(torch.equal(value, got[name]) for name, value in expected.items())


def test_only_the_newest_are_kept(tmp_path):
    for step in (1, 2, 3):
        save(tmp_path, step)
    assert [path.name for path in list_checkpoints(tmp_path)] == ["step-00000002", "step-00000003"]
    assert not list(tmp_path.glob(".*")), "no half-written folder is left"


@pytest.mark.parametrize("name", [WEIGHTS, STATE, META])
@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_a_damaged_checkpoint_is_passed_over(tmp_path, name, damage):
    _, older = save(tmp_path, 1)
    _, newer = save(tmp_path, 2)
    file = newer / name
    content = bytearray(file.read_bytes())
    if damage == "remove":
        file.unlink()
    elif damage == "cut":
        file.write_bytes(content[: len(content) // 2])
    else:
        content[len(content) // 2] ^= 0xFF
        file.write_bytes(content)
    assert not verify(newer)
    assert newest_checkpoint(tmp_path) == older


def test_what_training_did_not_write_stays(tmp_path):
    """Copies that somebody made, links and folders with something else in them are neither counted nor removed."""
    _, first = save(tmp_path, 1)
    for name in ("step-best", "step-old", "step-99999999x"):
        shutil.copytree(first, tmp_path / name)
    (tmp_path / "step-00000000").symlink_to(first.rename(tmp_path / "kept-elsewhere"), target_is_directory=True)
    _, with_notes = save(tmp_path, 2)
    (with_notes / "notes.txt").write_text("the good one")
    for step in (3, 4, 5):
        _, newest = save(tmp_path, step)
        assert verify(newest), "what was just written is there"
    assert {path.name for path in tmp_path.iterdir()} == {
        "step-best",
        "step-old",
        "step-99999999x",
        "kept-elsewhere",
        "step-00000000",
        "step-00000002",
        "step-00000004",
        "step-00000005",
    }


def test_damaged_checkpoints_are_kept_and_do_not_count(tmp_path):
    for step in (7, 8):
        _, damaged = save(tmp_path, step)
        (damaged / STATE).write_bytes(b"damaged")
    for step in (1, 2, 3):
        save(tmp_path, step)
    assert [int(path.name[5:]) for path in list_checkpoints(tmp_path)] == [2, 3, 7, 8]


def test_no_checkpoint(tmp_path):
    assert newest_checkpoint(tmp_path) is None
    assert newest_checkpoint(tmp_path / "absent") is None


@pytest.mark.parametrize("content", [b"", b"not weights", b"\x08\0\0\0\0\0\0\0{}      "])
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    file = tmp_path / "x.safetensors"
    file.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"x\.safetensors"):
        load_weights(file)


def test_someone_elses_safetensors_are_refused(tmp_path):
    file = tmp_path / "other.safetensors"
    save_file({"a": torch.zeros(2)}, file)
    with pytest.raises(CheckpointError, match="not weights that this version"):
        load_weights(file)


def test_weights_that_do_not_fit_their_description_are_refused(tmp_path):
    state, _ = save(tmp_path)
    file = tmp_path / "wrong.safetensors"
    metadata = state.weights(NAMES, Fraction(25)).card.to_metadata()
    save_file({"generator.a": torch.zeros(2)}, file, metadata=metadata)
    with pytest.raises(CheckpointError, match="cannot be used"):
        load_weights(file)
    save_file({"generator.a": torch.zeros(2)}, file, metadata=metadata | {"config": "{}}"})
    with pytest.raises(CheckpointError, match="description is damaged"):
        load_weights(file)


class Loaded:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("pickled-code-ran",)


def test_a_state_never_runs_code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, checkpoint = save(tmp_path)
    torch.save({"step": 1, "networks": Loaded()}, checkpoint / STATE)
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_state(checkpoint, "cpu")
    assert not (tmp_path / "pickled-code-ran").exists()


def test_a_state_holds_plain_things_only(tmp_path):
    _, checkpoint = save(tmp_path)

    def walk(value):
        if isinstance(value, dict):
            for key, inner in value.items():
                assert isinstance(key, str | int)
                walk(inner)
        elif isinstance(value, list | tuple):
            for inner in value:
                walk(inner)
        else:
            assert value is None or isinstance(value, torch.Tensor | str | int | float | bool)

    walk(load_state(checkpoint, "cpu"))
    assert set(json.loads((checkpoint / META).read_text())["files"]) == {WEIGHTS, STATE}


def test_an_unwritable_folder_costs_one_line_and_leaves_nothing(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(UsageError, match="cannot be written"):
        save(blocked)
    assert blocked.read_text() == "in the way"
