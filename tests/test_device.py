import platform
import subprocess
import sys
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


FAULTS = """
import resource
import torch
from videogan.device import keep_freed_memory

keep_freed_memory()


def turn():
    return [torch.ones(2 << 20) for _ in range(6)]


for _ in range(3):
    turn()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    turn()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator")
def test_memory_that_is_freed_is_used_again_without_page_faults():
    """Five turns of 48 MiB are 61,440 pages of 4 KiB; without the call glibc asks for all of them again."""
    done = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 6_144


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="the kernel does not list the CPU's flags")
def test_bfloat16_where_the_cpu_multiplies_it():
    flags = Path("/proc/cpuinfo").read_text().split()
    precision, reason = pick_precision(torch.device("cpu"))
    assert (precision == "bfloat16") == ("avx512_bf16" in flags or "amx_tile" in flags), reason
