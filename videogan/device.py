"""Which device, precision and number of threads fit this machine, and why; how much memory was taken."""

import logging
import platform
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import torch

from videogan.errors import UsageError, did_you_mean
from videogan.files import usable_cores

_log = logging.getLogger(__name__)

_CGROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")

_KEPT_BYTES = 31 << 20

Precision = Literal["float32", "bfloat16"]


def pick_device(name: str = "auto") -> torch.device:
    """Return the named device; ``auto`` is the GPU if there is one, else the CPU.

    Raises:
        UsageError: there is no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"there is no device {name!r}{did_you_mean(name, ['cpu', 'cuda', 'auto'])}") from None
    if device.type not in ("cpu", "cuda"):
        raise UsageError(f"device {name!r} is not supported; devices are cpu and cuda")
    if device.type == "cpu":
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise UsageError("no CUDA device was found; train.device=cpu trains on the CPU")
    count = torch.cuda.device_count()
    if device.index is not None and device.index >= count:
        raise UsageError(f"there is no device {name!r}: this machine has {count} GPUs, cuda:0 to cuda:{count - 1}")
    return device


def keep_freed_memory() -> None:
    """Let the process keep what it frees, instead of taking a page fault for every 4 KiB of the next feature map.

    glibc hands blocks above a size back to the system at once, but raises that size, to 32 MiB at most, whenever such a
    block is freed. So one block that is never touched suffices; other allocators are left as they are.
    """
    torch.empty(_KEPT_BYTES, dtype=torch.uint8)


def rehearse(work: Callable[[], object], times: int = 3) -> None:
    """Do some work before it is recorded as a CUDA graph, beside the stream of the caller, as a recording wants it.

    Libraries choose their kernels in it, and what is made once is made.
    """
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(times):
            work()
    torch.cuda.current_stream().wait_stream(side)


def describe(device: torch.device) -> str:
    """Name a device for people."""
    if device.type == "cuda":
        index = "" if device.index is None else f" ({device})"
        return f"{torch.cuda.get_device_name(device)}{index}"
    return f"CPU ({platform.machine()}, {torch.get_num_threads()} threads)"


def pick_precision(device: torch.device) -> tuple[Precision, str]:
    """Return bfloat16 where the hardware multiplies it natively, else float32, and the reason."""
    if device.type == "cuda":
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return "bfloat16", "the GPU has bfloat16 tensor cores"
        return "float32", "the GPU has no bfloat16"
    if torch.cpu._is_amx_tile_supported():
        return "bfloat16", "the CPU has AMX matrix units"
    if torch.cpu._is_avx512_bf16_supported():
        return "bfloat16", "the CPU multiplies bfloat16 (AVX-512 BF16)"
    return "float32", "the CPU does not multiply bfloat16"


def pick_threads() -> tuple[int, str]:
    """Return how many threads train fastest on the CPU at this moment, and the reason.

    Threads of one convolution wait for each other: where other programs keep a core busy, two threads can be ten times
    slower than one. So both are tried for a fraction of a second.
    """
    before = torch.get_num_threads()
    most = min(before, usable_cores())
    if most == 1:
        return 1, "there is one core"
    try:
        seconds = {threads: _convolution_seconds(threads) for threads in (most, 1)}
    finally:
        torch.set_num_threads(before)
    if seconds[most] < seconds[1]:
        return most, f"a convolution takes {seconds[1] / seconds[most]:.1f} times as long with one"
    return 1, f"a convolution takes {seconds[most] / seconds[1]:.1f} times as long with {most}: other programs run"


@contextmanager
def quick_threads() -> Iterator[None]:
    """Let torch use as many threads as are quickest now, on a machine without a GPU."""
    threads = torch.get_num_threads()
    if pick_device().type == "cpu":
        quickest, reason = pick_threads()
        torch.set_num_threads(quickest)
        _log.info("threads: %d, because %s", quickest, reason)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _convolution_seconds(threads: int) -> float:
    torch.set_num_threads(threads)
    convolution = torch.nn.Conv3d(16, 16, 3, padding=1)
    clips = torch.zeros(4, 16, 16, 16, 16)
    times = []
    for _ in range(6):
        start = time.perf_counter()
        convolution(clips).sum().backward()
        times.append(time.perf_counter() - start)
    return sum(times[1:])


def available_bytes(device: torch.device) -> int:
    """Return the free memory of a GPU, or what the system, the container and the process's limit leave to this one."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    limits = [limit for limit in [resource.getrlimit(resource.RLIMIT_AS)[0]] if limit != resource.RLIM_INFINITY]
    for name in _CGROUPS:
        try:
            limits.append(int(Path(name).read_text()))
        except (OSError, ValueError):  # there is none, or it is "max"
            continue
    meminfo = Path("/proc/meminfo")
    lines = meminfo.read_text().splitlines() if meminfo.exists() else []
    limits += [1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    return min(limits, default=2**63)


def memory_gib(device: torch.device) -> float:
    """Return the peak memory in GiB: of the GPU's allocator, or of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
