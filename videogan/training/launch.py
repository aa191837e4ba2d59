"""Which of several processes this one is, and where they find each other: what torchrun, srun or another program says.

``torchrun --nproc-per-node 2 --no-python -- videogan train clips/`` starts two (``--`` keeps torchrun from taking
``--run`` for an option of its own), ``srun videogan train clips/`` as many as Slurm has tasks.
"""

import logging
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from videogan.errors import UsageError

_log = logging.getLogger(__name__)

SLURM_PORT = 20_000
"""First of the 10,000 ports from which a Slurm job has one by its number."""


class Process(NamedTuple):
    """Which process this is, of how many."""

    rank: int = 0
    world_size: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes the run folder."""
        return self.rank == 0


ALONE = Process()


@dataclass(frozen=True)
class Launch:
    """One process of a training as its environment describes it.

    ``node`` is the same in the processes of one machine, ``host`` its name for people. ``address`` and ``port`` are
    those of the store by which processes find each other; the process that ``serves`` it makes it.
    """

    process: Process = ALONE
    node: str = ""
    host: str = ""
    address: str = ""
    port: int = 0
    serves: bool = False


def launch_from_environment(environment: Mapping[str, str] = os.environ) -> Launch:
    """Return what the program that started this process says of it; one process alone where none says anything.

    Raises:
        UsageError: it says that there are several, and not how they find each other.
    """
    host = socket.gethostname()
    if _count(environment, "WORLD_SIZE") > 1:
        names = ("RANK", "MASTER_ADDR", "MASTER_PORT")
        missing = [name for name in names if not environment.get(name)]
        if missing:
            raise UsageError(
                f"WORLD_SIZE={environment['WORLD_SIZE']} says that this is one of several processes, and "
                f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set: start them by torchrun, set "
                "what is missing, or unset WORLD_SIZE to train alone"
            )
        process = Process(int(environment["RANK"]), int(environment["WORLD_SIZE"]))
        node = environment.get("GROUP_RANK") or environment.get("SLURM_NODEID") or host
        serves = process.first and environment.get("TORCHELASTIC_USE_AGENT_STORE") != "True"  # where torchrun does not
        return Launch(process, node, host, environment["MASTER_ADDR"], int(environment["MASTER_PORT"]), serves)
    if _count(environment, "SLURM_STEP_NUM_TASKS") > 1 and "TORCHELASTIC_RUN_ID" not in environment:
        return _launch_by_slurm(environment, host)
    if _count(environment, "SLURM_NTASKS") > 1 and "TORCHELASTIC_RUN_ID" not in environment:
        _log.warning(
            "Slurm has %s tasks for this job, and this is one process alone; `srun videogan train ...` starts them all",
            environment["SLURM_NTASKS"],
        )
    return Launch()


def _count(environment: Mapping[str, str], name: str) -> int:
    value = environment.get(name, "")
    return int(value) if value.isdecimal() else 1


def _launch_by_slurm(environment: Mapping[str, str], host: str) -> Launch:
    """Return the place of a task in its job step; MASTER_ADDR and MASTER_PORT are the first node's where not set."""
    process = Process(int(environment["SLURM_PROCID"]), int(environment["SLURM_STEP_NUM_TASKS"]))
    address = environment.get("MASTER_ADDR") or first_node(environment.get("SLURM_STEP_NODELIST", ""))
    if not address:
        raise UsageError(
            f"Slurm runs {process.world_size} tasks of this step, and neither SLURM_STEP_NODELIST nor MASTER_ADDR "
            "says on which machine the first is: set MASTER_ADDR, or start them by torchrun"
        )
    port = environment.get("MASTER_PORT") or SLURM_PORT + int(environment.get("SLURM_JOB_ID", "0")) % 10_000
    return Launch(process, environment.get("SLURM_NODEID") or host, host, address, int(port), process.first)


def first_node(node_list: str) -> str:
    """Return the first name of a list as Slurm writes it: ``gpu[003-008,011],login1`` begins with ``gpu003``."""
    match = re.match(r"([^,\[]*)(?:\[(\d+)[^\]]*\]([^,\[]*))?", node_list)
    return "" if match is None else "".join(part or "" for part in match.groups())
