"""The command: files that other programs load, and mistakes that cost one line."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from read_video import read_video
from safetensors import safe_open

from videogan.artifacts.runs import find_weights
from videogan.artifacts.weights import load_weights

ROOT = Path(__file__).parents[2]


@pytest.fixture
def model(videogan, clips, tiny) -> Path:
    """A run of two steps in the working folder."""
    return Path(videogan("train", clips, *tiny, "--steps", 2).out.strip())


def test_weights_alone_are_a_model(videogan, model):
    assert videogan("export", "whole.safetensors").out.strip() == "whole.safetensors"
    assert videogan("export", "half.safetensors", "--precision", "float16").code == 0
    own = load_weights(find_weights(model)).generator.state_dict()
    for name, tolerance in (("whole.safetensors", 0.0), ("half.safetensors", 1e-3)):
        loaded = load_weights(Path(name)).generator
        assert all(parameter.dtype == torch.float32 for parameter in loaded.parameters())
        for key, value in loaded.state_dict().items():
            assert torch.allclose(value, own[key], atol=tolerance, rtol=tolerance)
        assert torch.equal(loaded.dynamics.decay, own["dynamics.decay"])
    with safe_open("half.safetensors", "pt") as file:
        kinds = {file.get_tensor(key).dtype for key in file.keys()}  # noqa: SIM118
    assert kinds == {torch.float16, torch.float32}
    assert Path("half.safetensors").stat().st_size < 0.65 * Path("whole.safetensors").stat().st_size
    assert videogan("sample", "--run", "half.safetensors", "--frames", 4, "frames").code == 0


def test_the_example_streams_from_an_onnx_file(videogan, model):
    result = videogan("export", "model.onnx")
    assert (result.code, result.out.strip()) == (0, "model.onnx")
    assert "largest difference from PyTorch" in result.err
    command = [sys.executable, str(ROOT / "examples" / "stream_onnx.py"), "model.onnx", "out.gif"]
    subprocess.run(command, check=True)
    frames, frame_rate = read_video("out.gif")
    assert frames.shape == (100, 32, 32, 3)
    assert frame_rate == 25
    assert frames.std() > 1


def test_a_program_runs_without_videogan(videogan, model):
    assert videogan("export", "model.pt2").code == 0
    code = (
        "import json, sys, torch; extra = {'videogan.json': ''};"
        "step = torch.export.load('model.pt2', extra_files=extra).module();"
        "about = json.loads(extra['videogan.json']);"
        "print(about['frame_rate'], about['warm_up_steps'], 'videogan' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    # Four latent steps of burn-in, as the tiny run trains with, and five of the decoder's history.
    assert done.stdout.split() == ["25", "9", "False"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["x"], 2, ".safetensors, .onnx, .pt2"),
        (["x.onx"], 2, "did you mean '.onnx'?"),
        (["x.onnx", "--precision", "float16"], 2, "--precision is for .safetensors"),
        (["x.safetensors", "--precision", "int8"], 2, "--precision"),
        (["absent/x.pt2"], 2, "absent: no such folder"),
        (["taken.onnx"], 2, "use --yes"),
        (["x.onnx", "--run", "absent"], 2, "absent: no such run"),
        (["x.onnx", "--run", "taken.onnx"], 4, "not a readable weights file"),
    ],
)
def test_mistakes_cost_one_line(videogan, tiny, arguments, code, said):
    Path("taken.onnx").write_text("precious")
    result = videogan("export", *arguments)
    assert result.code == code
    assert said in result.err
    assert len(result.err.strip().splitlines()) == 1
    assert not list(Path().glob("x.*"))
    assert Path("taken.onnx").read_text() == "precious"


def test_a_missing_package_names_the_command(videogan, tiny, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxscript" else find_spec(name))
    result = videogan("export", "x.onnx")
    assert result.code == 2
    assert "onnxscript" in result.err
    assert "pip install 'videogan[export]'" in result.err


def test_a_graph_that_differs_is_not_written(videogan, model, monkeypatch):
    monkeypatch.setattr("videogan.export.files.LARGEST_DIFFERENCE", 0.0)
    result = videogan("export", "x.onnx")
    assert result.code == 4
    assert "nothing is written" in result.err.strip().splitlines()[-1]
    assert not Path("x.onnx").exists()


def test_a_full_disk_leaves_the_earlier_file(videogan, model):
    """A device that is always full stands for a full disk."""
    Path("x.safetensors").write_text("precious")
    Path(f"x.safetensors.{os.getpid()}.part").symlink_to("/dev/full")
    result = videogan("export", "x.safetensors", "--yes")
    assert result.code == 2
    assert "No space left" in result.err
    assert Path("x.safetensors").read_text() == "precious"
    assert sorted(path.name for path in Path().glob("x.*")) == ["x.safetensors"]
