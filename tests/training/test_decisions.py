"""What a run is trained with: the GPU that is named, or one line; what is not there any more is said."""

from pathlib import Path

import pytest
import torch

from videogan.artifacts.networks import read_networks
from videogan.artifacts.runs import OF_PACKAGE, RunFolder
from videogan.artifacts.weights import read_card
from videogan.errors import UsageError
from videogan.models.latents import Latents, LatentStream
from videogan.presets import change, preset, save_config
from videogan.training.changes import differences, makes_other_networks
from videogan.training.decisions import decide_config
from videogan.training.start import first_state


@pytest.fixture
def two_gpus(monkeypatch):
    """Two GPUs, as far as is asked before anything is put on one."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a GPU")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **options: True)


def test_the_named_gpu_is_trained_on(two_gpus):
    config, said = decide_config(None, "gpu64", {"train.device": "cuda:1"})
    assert config.train.device == "cuda:1"
    assert "device: a GPU (cuda:1)" in said
    assert decide_config(None, "gpu64", {})[0].train.device == "cuda"
    assert decide_config(None, "cpu", {"train.device": "cpu:3"})[0].train.device == "cpu"
    with pytest.raises(UsageError, match="'cuda:2': this machine has 2 GPUs, cuda:0 to cuda:1"):
        decide_config(None, "gpu64", {"train.device": "cuda:2"})


def test_on_a_cpu_a_run_starts_from_the_starter_where_its_networks_are_those():
    config, said = decide_config(None, None, {"train.device": "cpu", "data.num_frames": 16, "train.batch_size": 4})
    assert (config.start.model, config.data.num_frames, config.train.batch_size) == ("starter", 16, 4)
    assert "start: from the starter that comes along; --from none starts from nothing" in said
    assert "preset: cpu, as starter has it: clips of 16 frames, 32 x 32 pixels" in said
    for changes, reason in (
        ({"generator.content_dim": 8}, "generator.content_dim=8 makes other networks than the starter's"),
        ({"data.size": 64, "generator.channels": (64, 64, 32, 16, 8)}, "generator.channels=(64, 64, 32, 16, 8) makes"),
        ({"joint_discriminator.weight": 1.0}, "joint_discriminator.weight=1.0 makes"),
    ):
        config, said = decide_config(None, None, {"train.device": "cpu", **changes})
        assert config.start.model == "none"
        assert any(line.startswith("start: from nothing, because ") and reason in line for line in said)


@pytest.mark.parametrize(("size", "name"), [(32, "starter"), (64, "starter64")])
def test_biases_by_place_still_start_from_the_starter_and_videos_begin_as_its_own(size, name):
    changes = {"train.device": "cpu", "data.size": size, "generator.place_until": 32}
    config, _ = decide_config(None, None, changes)
    assert (config.start.model, config.generator.place_until) == (name, 32)
    device, classes = torch.device("cpu"), read_card(OF_PACKAGE[name]).class_names
    plain = change(config, {"generator.place_until": 0})
    frames = []
    for one in (config, plain):
        generator = first_state(one, classes, device).networks.ema_generator
        latents = LatentStream([1], content_dim=generator.content_dim, noise_dim=generator.noise_dim)
        noise = latents.motion_noise(1 + generator.context_steps + 2)
        frames.append(generator(Latents(latents.content_noise, noise, torch.tensor([3])), burn_in=0).frames)
    assert torch.equal(*frames)
    assert frames[0].std() > 0.1


@pytest.mark.parametrize(
    ("size", "name", "weight"), [(32, "starter", 0.0), (32, "starter", 0.5), (64, "starter64", 0.0)]
)
def test_with_or_without_a_projected_discriminator_a_run_starts_from_the_starter(size, name, weight):
    changes = {"train.device": "cpu", "data.size": size, "projected_discriminator.weight": weight}
    config, _ = decide_config(None, None, changes)
    assert (config.start.model, config.projected_discriminator.weight) == (name, weight)
    assert set(first_state(config, (), torch.device("cpu")).networks.discriminators) == {
        "frame",
        "clip",
        *(["projected"] if weight else []),
    }


@pytest.mark.parametrize("changes", [{}, {"train.grow_at": (5,)}], ids=["at once", "on the way"])
@pytest.mark.parametrize(("size", "smaller"), [(64, (32,)), (128, (32, 64))])
def test_larger_frames_start_from_the_larger_starter(changes, size, smaller):
    config, said = decide_config(None, None, {"train.device": "cpu", "data.size": size, **changes})
    assert config.start.model == "starter64"
    assert config.smaller_sizes == smaller
    assert "start: from the starter of 64 pixels that comes along; --from none starts from nothing" in said


@pytest.mark.parametrize(("name", "size"), [("starter", 32), ("starter64", 64)])
def test_a_folder_of_that_name_is_not_taken_for_the_starter(name, size, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(name).mkdir()
    config, said = decide_config(None, None, {"train.device": "cpu", "data.size": size})
    assert config.start.model == "none"
    assert any(f"start: from nothing, because {name} here names something else" in line for line in said)


@pytest.mark.parametrize(
    ("preset_name", "changes"),
    [("cpu", {"train.device": "cpu"}), (None, {"train.device": "cpu", "start.model": "none"}), (None, {})],
    ids=["preset", "none", "GPU"],
)
def test_where_a_preset_or_a_model_is_named_and_on_a_gpu_there_is_no_starter(two_gpus, preset_name, changes):
    config, said = decide_config(None, preset_name, changes)
    assert config.start.model == "none"
    assert "start: from nothing; --from starter starts from the starter that comes along" in said


@pytest.mark.parametrize(("name", "size"), [("starter", 32), ("starter64", 64)])
def test_a_starter_has_the_networks_of_the_preset_and_its_discriminators(name, size):
    stored = read_networks(Path(name))
    differing = differences(stored.card.config, preset("cpu", [f"data.size={size}"]))
    others = {key for key, both in differing.items() if key == "data.size" or makes_other_networks(key, *both)}
    wider = {"generator.place_until", "generator.channels", "frame_discriminator.channels"}
    assert stored.card.config.penalty.decay_steps == (500 if name == "starter64" else 0)
    projected = stored.card.config.projected_discriminator
    assert (projected.weight, projected.minibatch_std) == (0.25, 4)
    heads = {"projected_discriminator.weight", "projected_discriminator.minibatch_std"}
    assert others == heads | (wider if name == "starter64" else set())
    networks = {"generator", "ema_generator", "encoder", "frame_discriminator", "clip_discriminator"}
    assert set(stored.networks) == networks | {"projected_discriminator"}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_run_whose_gpu_is_gone_goes_on_where_it_can_and_says_so(tmp_path):
    run = RunFolder(tmp_path)
    save_config(change(preset("cpu"), {"train.device": "cuda:1", "train.precision": "bfloat16"}), run.config)
    config, said = decide_config(run, None, {})
    assert (config.train.device, config.train.precision) == ("cpu", "bfloat16")
    assert "no cuda:1 here" in said[0]
    with pytest.raises(UsageError, match="no CUDA device"):
        decide_config(run, None, {"train.device": "cuda:1"})
