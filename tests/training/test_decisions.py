"""What a run is trained with: the GPU that is named, or one line; what is not there any more is said."""

import pytest
import torch

from videogan.artifacts.runs import RunFolder
from videogan.errors import UsageError
from videogan.presets import change, preset, save_config
from videogan.training.decisions import decide_config


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


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_run_whose_gpu_is_gone_goes_on_where_it_can_and_says_so(tmp_path):
    run = RunFolder(tmp_path)
    save_config(change(preset("cpu"), {"train.device": "cuda:1", "train.precision": "bfloat16"}), run.config)
    config, said = decide_config(run, None, {})
    assert (config.train.device, config.train.precision) == ("cpu", "bfloat16")
    assert "no cuda:1 here" in said[0]
    with pytest.raises(UsageError, match="no CUDA device"):
        decide_config(run, None, {"train.device": "cuda:1"})
