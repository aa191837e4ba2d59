"""Runs that start from a model: what they say, what they record, and that they need it no more."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from read_video import read_video
from safetensors import safe_open
from safetensors.torch import save_file

from videogan.artifacts.checkpoints import load_state
from videogan.artifacts.provenance import read_provenance
from videogan.artifacts.runs import OF_PACKAGE, WEIGHTS, newest_checkpoint
from videogan.artifacts.tensor_file import HASH
from videogan.artifacts.weights import read_card
from videogan.model import load
from videogan.presets import load_config
from videogan.video import to_float


@pytest.fixture
def ancestor(trained, tiny) -> Path:
    """A run of two steps, ``old`` in the working folder."""
    return Path(shutil.copytree(trained, "old"))


def settings(tiny, *names):
    """Those of the tiny settings whose key begins with one of the names."""
    given = [part for part in tiny if part.startswith(names)]
    return [part for setting in given for part in ("--set", setting)]


def test_a_run_starts_from_a_run_tells_it_and_needs_it_no_more(videogan, clips, tiny, ancestor):
    other = Path("other")
    for name in ("circle", "square"):
        shutil.copytree(clips / name, other / {"square": "box"}.get(name, name))
    machine = settings(tiny, "train.", "data.cache_dir")
    result = videogan("train", other, "--from", ancestor, *machine, "--steps", 2)
    assert result.code == 0, result.err
    run = Path(result.out.strip())
    assert "starting from old (step 2, tensors " in result.err
    assert "new, and not taken from it: class box" in result.err
    with safe_open(newest_checkpoint(ancestor / "checkpoints") / WEIGHTS, framework="pt") as file:
        sha256 = file.metadata()[HASH]
    config = load_config(run / "config.json")
    assert (config.start.model, config.start.sha256) == ("old", sha256)
    assert config.generator.channels == (16, 12, 8, 8)
    shutil.rmtree(ancestor)

    again = videogan("train", other, "--run", run, "--steps", 4)
    assert again.code == 0, again.err
    assert "going on from step 2" in again.err
    assert load_config(run / "config.json").start == config.start
    card = read_card(newest_checkpoint(run / "checkpoints") / WEIGHTS)
    assert card.config.start.sha256 == sha256
    assert f"started from old, tensors {sha256}" in videogan("inspect", run).out
    assert videogan("sample", "--run", run, "--frames", 4, "a.mp4").code == 0
    assert read_provenance(Path("a.mp4")).ancestor_sha256 == sha256
    assert f"started from tensors {sha256}" in videogan("inspect", "a.mp4").out


def test_the_same_command_goes_on_and_another_model_is_another_run(videogan, clips, tiny, ancestor):
    first = videogan("train", clips, *tiny, "--from", ancestor, "--steps", 2)
    again = videogan("train", clips, *tiny, "--from", ancestor, "--steps", 4)
    assert (again.code, again.out) == (0, first.out)
    assert "going on from step 2" in again.err
    refused = videogan("train", clips, *tiny, "--from", first.out.strip(), "--run", first.out.strip(), "--steps", 4)
    assert refused.code == 2
    assert "was trained with start.model=old" in refused.err
    assert videogan("train", clips, *tiny, "--from", "none", "--steps", 1).out != first.out


def test_weights_for_training_hold_the_discriminators(videogan, clips, tiny, ancestor):
    assert videogan("export", "--run", "old", "--for-training", "shared.safetensors").code == 0
    assert json.loads(videogan("inspect", "shared.safetensors", "--json").out)["for_training"]
    assert videogan("sample", "--run", "shared.safetensors", "--frames", 4, "a.mp4").code == 0
    result = videogan("train", clips, *tiny, "--from", "shared.safetensors", "--steps", 1, "--run", "new")
    assert result.code == 0, result.err
    assert "new, and not taken from it: nothing" in result.err
    assert videogan("export", "--run", "old", "plain.safetensors").code == 0
    result = videogan("train", clips, *tiny, "--from", "plain.safetensors", "--steps", 1, "--run", "newer")
    assert "new, and not taken from it: the whole frame_discriminator, the whole clip_discriminator" in result.err
    hashes = [load_config(Path(run) / "config.json").start.sha256 for run in ("new", "newer")]
    assert hashes[0] == hashes[1], "the hash is of what makes videos"
    old, new = (load_state(newest_checkpoint(Path(run) / "checkpoints"), "cpu")["networks"] for run in ("old", "new"))
    weights = [networks["clip_discriminator"]["trunk.blocks.0.first.weight"] for networks in (old, new)]
    assert torch.allclose(*weights, atol=3e-3), "one step of Adam away"


def test_a_run_grows_from_a_smaller_one(videogan, clips, tiny, ancestor):
    machine = settings(tiny, "train.", "data.cache_dir")
    result = videogan("train", clips, "--from", ancestor, "--set", "data.size=64", *machine, "--steps", 1)
    assert result.code == 0, result.err
    run = Path(result.out.strip())
    assert load_config(run / "config.json").start.sizes == (32,)
    assert videogan("sample", "--run", ancestor, "--grid", "4x4", "--frames", 8, "small").code == 0
    small, large = read_video("small")[0], read_video(run / "previews" / "step-00000000.mp4")[0][:8]
    expected = torch.nn.functional.interpolate(to_float(small), scale_factor=2, mode="bilinear")
    assert (to_float(large) - expected).abs().mean() < 0.03, "an MP4, and tiles whose borders blur"
    again = videogan("train", clips, "--from", run, *machine, "--steps", 1, "--run", "same")
    assert "new, and not taken from it: nothing" in again.err


def test_without_a_word_a_run_on_a_cpu_starts_from_the_starter(videogan, clips, tiny):
    machine = settings(tiny, "train.", "data.cache_dir")
    result = videogan("train", clips, *machine, "--set", "train.device=cpu", "--steps", 1, "--run", "new")
    assert result.code == 0, result.err
    assert "start: from the starter that comes along; --from none starts from nothing" in result.err
    line = next(line for line in result.err.splitlines() if line.startswith("starting from starter"))
    for name in ("generator", "ema_generator", "encoder", "frame_discriminator", "clip_discriminator"):
        assert name in line
    starter = load(OF_PACKAGE["starter"])
    assert f"starting from starter (step {starter.card.step}, tensors {starter.sha256[:12]})" in line
    assert load_config(Path("new/config.json")).start.sha256 == starter.sha256
    again = videogan("train", clips, "--run", "new", "--steps", 2)
    assert "going on from step 1" in again.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["train", "CLIPS", "--from", "absent"], 2, "absent: no such run, checkpoint or weights file"),
        (["train", "CLIPS", "--from", "text.safetensors"], 4, "text.safetensors: not a readable weights file"),
        (["train", "CLIPS", "--from", "other.safetensors"], 4, "not weights that this version of videogan can read"),
        (["train", "CLIPS", "--from", "."], 4, "no usable checkpoint"),
        (["train", "CLIPS", "--from", "old", "--set", "generator.content_dim=4"], 2, "content_dim=8, and this run 4"),
        (
            ["train", "CLIPS", "--from", "old", "--preset", "gpu64", "--set", "train.device=cpu"],
            2,
            "old: has generator",
        ),
        (["train", "CLIPS", "--preset", "cpu", "--set", "train.freeze_layers=1"], 2, "name it by --from"),
        (["train", "CLIPS", "--from", "shipped", "--set", "data.size=32"], 2, "networks grow and do not shrink"),
        (["train", "CLIPS", "--set", "train.grow_at=[5]"], 2, "cannot grow from 16 pixels"),
        (["train", "CLIPS", "--set", "train.grow_at=[5,5]", "--set", "data.size=128"], 2, "must rise"),
        (["export", "--run", "plain.safetensors", "--for-training", "x.safetensors"], 4, "holds no discriminators"),
        (["export", "--run", "old", "--for-training", "x.onnx"], 2, "--for-training is for .safetensors"),
    ],
)
def test_mistakes_cost_one_line(videogan, clips, ancestor, arguments, code, said):
    Path("text.safetensors").write_text("no weights")
    save_file({"x": torch.zeros(1)}, "other.safetensors", metadata={"format": "9"})
    assert videogan("export", "--run", "old", "plain.safetensors").code == 0
    command = [clips if argument == "CLIPS" else argument for argument in arguments]
    result = videogan(*command, *(["--run", "x"] if arguments[0] == "train" else []))
    assert result.code == code, result.err
    lines = [line for line in result.err.strip().splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert said in lines[0]
    assert not list(Path().glob("x*"))


@pytest.mark.parametrize("colours", [1, 4])
def test_a_model_of_other_colours_is_refused(videogan, clips, tiny, ancestor, colours):
    """Grey, or with transparency: what draws the frames has another number of colours."""
    with safe_open(newest_checkpoint(ancestor / "checkpoints") / WEIGHTS, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (a handle)
        metadata = {name: text for name, text in file.metadata().items() if name != HASH}
    for name in ("generator.to_rgb.conv.weight", "generator.to_rgb.conv.bias"):
        tensors[name] = tensors[name].repeat_interleave(colours, dim=0)[::3].contiguous()
    save_file(tensors, "other.safetensors", metadata=metadata)
    result = videogan("train", clips, *tiny, "--from", "other.safetensors", "--steps", 1)
    assert result.code == 4
    last = result.err.splitlines()[-1]
    assert last.startswith("error: other.safetensors: its weights cannot be used (generator.to_rgb.conv.")
    assert "models see and draw frames in RGB" in last
    assert not Path("runs").exists()
