import json
import os
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from videogan.artifacts.latents_file import (
    KEY,
    LatentsFile,
    check_latents_path,
    holds_latents,
    load_for_model,
    load_latents,
    save_latents,
)
from videogan.errors import CheckpointError, MissingPathError, UsageError
from videogan.models.latents import ClipLatents

SHA = "ab" * 32


def latents(steps=3, label=1):
    return ClipLatents(torch.randn(1, 8), torch.randn(1, steps, 128), torch.randn(1, 4, 128), 4 * steps - 1, label)


def test_what_is_written_is_read_again(tmp_path):
    path = tmp_path / "a.safetensors"
    file = LatentsFile(latents(), SHA, "square", Fraction(25, 2))
    save_latents(path, file)
    assert holds_latents(path)
    read = load_for_model(path, ("circle", "square"), SHA, Path("model"))
    assert (read.model_sha256, read.class_name, read.frame_rate) == (SHA, "square", Fraction(25, 2))
    assert (read.latents.label, read.latents.num_frames) == (1, 11)
    for name in ("content", "motion_codes", "history"):
        assert torch.equal(getattr(read.latents, name), getattr(file.latents, name))
    assert list(tmp_path.iterdir()) == [path]


def test_minutes_of_video_take_less_than_a_megabyte(tmp_path):
    path = tmp_path / "long.safetensors"
    save_latents(path, LatentsFile(latents(steps=3 * 60 * 25 // 4), SHA, None, Fraction(25)))
    assert path.stat().st_size < 1_000_000


def test_another_model_is_named_with_the_fix(tmp_path):
    path = tmp_path / "a.safetensors"
    save_latents(path, LatentsFile(latents(), SHA, None, Fraction(25)))
    with pytest.raises(CheckpointError, match=r"another model \(sha256 abababababab\) than m \(cdcdcdcdcdcd\).*--run"):
        load_for_model(path, (), "cd" * 32, Path("m"))


def test_what_holds_no_latents_is_refused(tmp_path):
    with pytest.raises(MissingPathError):
        load_latents(tmp_path / "absent.safetensors")
    other = tmp_path / "weights.safetensors"
    save_file({"a": torch.zeros(1)}, other)
    assert not holds_latents(other)
    with pytest.raises(CheckpointError, match="holds no latents"):
        load_latents(other)
    (tmp_path / "noise.safetensors").write_bytes(b"no latents")
    assert not holds_latents(tmp_path / "noise.safetensors")
    with pytest.raises(CheckpointError, match="not a readable"):
        load_latents(tmp_path / "noise.safetensors")


@pytest.mark.parametrize(
    ("description", "said"),
    [
        ({"format": 2}, "of a format that"),
        ([], "of a format that"),
        ({"format": 1}, "damaged"),
        ({"format": 1, "num_frames": 99, "class_name": None, "frame_rate": "25", "model_sha256": SHA}, "99 frames"),
        ({"format": 1, "num_frames": 12, "class_name": None, "frame_rate": "fast", "model_sha256": SHA}, "damaged"),
        ({"format": 1, "num_frames": 12, "class_name": None, "frame_rate": "1/0", "model_sha256": SHA}, "damaged"),
        ({"format": 1, "num_frames": 12, "class_name": None, "frame_rate": "1e9", "model_sha256": SHA}, "damaged"),
        ({"format": 1, "num_frames": 12, "class_name": [1], "frame_rate": "25", "model_sha256": SHA}, "damaged"),
        ({"format": 1, "num_frames": 10**12, "class_name": None, "frame_rate": "25", "model_sha256": SHA}, "damaged"),
    ],
)
def test_damaged_descriptions(tmp_path, description, said):
    path = tmp_path / "a.safetensors"
    own = latents()
    tensors = {name: getattr(own, name) for name in ("content", "motion_codes", "history")}
    save_file(tensors, path, metadata={KEY: json.dumps(description)})
    with pytest.raises(CheckpointError, match=said):
        load_latents(path)


def test_only_latents_are_replaced(tmp_path):
    path = tmp_path / "a.safetensors"
    check_latents_path(path, overwrite=False)
    save_latents(path, LatentsFile(latents(), SHA, None, Fraction(25)))
    with pytest.raises(UsageError, match="--yes"):
        check_latents_path(path, overwrite=False)
    check_latents_path(path, overwrite=True)
    path.write_text("weights")
    with pytest.raises(UsageError, match="something else"):
        check_latents_path(path, overwrite=True)
    with pytest.raises(UsageError, match="ends in"):
        check_latents_path(tmp_path / "a.pt", overwrite=False)
    with pytest.raises(MissingPathError):
        check_latents_path(tmp_path / "absent/a.safetensors", overwrite=False)


def test_a_full_disk_costs_one_line(tmp_path, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("videogan.artifacts.latents_file.write_bytes", full)
    with pytest.raises(UsageError, match="No space left"):
        save_latents(tmp_path / "a.safetensors", LatentsFile(latents(), SHA, None, Fraction(25)))


def test_a_flipped_bit_and_values_that_are_not_finite_are_found(tmp_path):
    path = tmp_path / "a.safetensors"
    save_latents(path, LatentsFile(latents(), SHA, None, Fraction(25)))
    whole = path.read_bytes()
    for place in range(len(whole) - 1, len(whole) - 2000, -97):
        damaged = bytearray(whole)
        damaged[place] ^= 4
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match="not those that were written"):
            load_latents(path)
    own = latents()
    own.content[0, 3] = float("nan")
    save_latents(path, LatentsFile(own, SHA, None, Fraction(25)))
    with pytest.raises(CheckpointError, match="content holds values that are not finite"):
        load_latents(path)


def test_latents_from_before_the_hash_load(tmp_path):
    path = tmp_path / "a.safetensors"
    own = latents()
    tensors = {name: getattr(own, name) for name in ("content", "motion_codes", "history")}
    about = {"format": 1, "num_frames": 11, "class_name": None, "frame_rate": "25", "model_sha256": SHA}
    save_file(tensors, path, metadata={KEY: json.dumps(about)})
    assert torch.equal(load_latents(path).latents.motion_codes, own.motion_codes)


def test_a_pipe_is_not_waited_for(tmp_path):
    path = tmp_path / "a.safetensors"
    os.mkfifo(path)
    assert not holds_latents(path)
    with pytest.raises(CheckpointError, match="not a regular file"):
        load_latents(path)
