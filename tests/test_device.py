from pathlib import Path

import pytest
import torch

from videogan.device import describe, memory_gib, pick_device, pick_precision, pick_threads
from videogan.errors import UsageError


def test_auto_is_a_device_that_works():
    device = pick_device()
    assert torch.zeros(1, device=device).item() == 0
    assert describe(device)
    assert memory_gib(device) >= 0


@pytest.mark.parametrize(("name", "said"), [("cudda", "did you mean 'cuda'"), ("meta", "devices are cpu and cuda")])
def test_unknown_devices(name, said):
    with pytest.raises(UsageError, match=said):
        pick_device(name)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_missing_gpu():
    with pytest.raises(UsageError, match="no CUDA device"):
        pick_device("cuda")


def test_precision_and_threads_come_with_reasons():
    before = torch.get_num_threads()
    threads, reason = pick_threads()
    assert threads in (1, before)
    assert reason
    assert torch.get_num_threads() == before, "only asked, not set"
    precision, reason = pick_precision(torch.device("cpu"))
    assert precision in ("float32", "bfloat16")
    assert reason


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="the kernel does not list the CPU's flags")
def test_bfloat16_where_the_cpu_multiplies_it():
    flags = Path("/proc/cpuinfo").read_text().split()
    precision, reason = pick_precision(torch.device("cpu"))
    assert (precision == "bfloat16") == ("avx512_bf16" in flags or "amx_tile" in flags), reason
