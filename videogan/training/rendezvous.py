"""What the processes of one training tell each other beside the exchange of gradients, through torch's TCPStore.

A collective waits in native code, and ends every process where it waits too long. So nothing of unknown length is
waited for in one: who scans clips, fills a cache, or writes a preview says in the store when it is done, and the others
look there, with what it is doing on their screens. The same store holds the first failure of any process, by which all
end; see ``watch.py``.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import torch.distributed as dist

from videogan.errors import DivergedError, Interrupted, UsageError, reason_of
from videogan.files import TaskProgress
from videogan.training.launch import ALONE, Launch, Process
from videogan.training.watch import Peer, Watch, leader_of

if TYPE_CHECKING:
    from torch._C._distributed_c10d import Store

T = TypeVar("T")

JOINING_SECONDS = 300.0
"""How long a process waits for the others to start."""
NO_PEERS = (Peer("", ""),)
"""A process alone, to itself."""
_POLL = 0.1


class Rendezvous:
    """The processes of one training as one of them sees the others; a process alone speaks to nobody.

    Every process calls the same methods in the same order. Values are what JSON can hold.

    Attributes:
        process: which process this is.
        peers: all processes, by rank.
        leader: the first process on this one's machine, which scans and fills caches for it, and shows what it does.
        local_rank: which of its machine's processes this is.
    """

    def __init__(
        self,
        process: Process = ALONE,
        peers: tuple[Peer, ...] = NO_PEERS,
        store: "Store | None" = None,
        watch: Watch | None = None,
    ) -> None:
        self.process, self.peers = process, peers
        self.leader = leader_of(peers, process.rank)
        self.local_rank = sum(peer.node == peers[process.rank].node for peer in peers[: process.rank])
        self._store, self._watch, self._turn = store, watch, 0

    @property
    def speaks(self) -> bool:
        """Whether this process shows what it does."""
        return self.process.rank == self.leader

    @property
    def store(self) -> "Store | None":
        """The store for a group of all processes; None for one process alone."""
        return None if self._store is None else with_prefix("group", self._store)

    def of_first(self, value: T) -> T:
        """Return in every process the first one's value."""
        turn = self._next_turn()
        if self._store is None:
            return value
        if self.process.first:
            self._store.set(turn, json.dumps(value))
        of_first: T = json.loads(self._wait_for(turn, 0))
        return of_first

    @contextmanager
    def goes_ahead(self, leader: int = 0, progress: TaskProgress | None = None) -> Iterator[None]:
        """Let the others enter a ``with`` block when one process has left it; ``progress`` tells what it is doing."""
        done = f"{self._next_turn()}/{leader}"  # each machine may have a leader of its own
        if self._store is not None and self.process.rank != leader:
            self._wait_for(done, leader, progress)
        yield
        if self._store is not None and self.process.rank == leader:
            self._store.set(done, "")

    def agree(
        self,
        facts: Callable[[], Mapping[str, str]] | None,
        progress: TaskProgress | None = None,
        remedy: str = "start all processes with the same program, settings and clips",
    ) -> None:
        """Compare what should be the same everywhere; a process with None takes no part in it.

        ``remedy`` says what to do where it is not.

        Raises:
            UsageError: in the first process, which ends all, where another has other facts.
        """
        turn = self._next_turn()
        if self._store is None:
            return
        own = None if facts is None else dict(facts())
        self._store.set(f"{turn}/{self.process.rank}", json.dumps(own))
        if not self.process.first:
            self._wait_for(turn, 0, progress)
            return
        for rank in range(1, self.process.world_size):
            theirs = json.loads(self._wait_for(f"{turn}/{rank}", rank, progress))
            if own is not None and theirs is not None:
                self._compare(rank, theirs, own, remedy)
        self._store.set(turn, "")

    def _compare(self, rank: int, theirs: Mapping[str, str], own: Mapping[str, str], remedy: str) -> None:
        for name in {**own, **theirs}:
            value, other = own.get(name, "not set"), theirs.get(name, "not set")
            if value != other:
                raise UsageError(
                    f"rank {rank} on {self.peers[rank].host} has another {name} than rank 0 on {self.peers[0].host} "
                    f"({other}; rank 0: {value}); {remedy}"
                )

    def reported(self, progress: TaskProgress | None) -> TaskProgress | None:
        """Return a progress that tells the processes that wait for this one too, once a second."""
        store = self._store
        if store is None:
            return progress
        told = -1.0

        def report(task: str, done: float, total: float, words: str = "") -> None:
            nonlocal told
            if time.monotonic() - told >= 1:
                told = time.monotonic()
                store.set(f"doing/{self.process.rank}", json.dumps([task, done, total]))
            if progress is not None:
                progress(task, done, total, words)

        return report

    def _next_turn(self) -> str:
        self._turn += 1
        return f"turn/{self._turn}"

    def _wait_for(self, key: str, rank: int, progress: TaskProgress | None = None) -> bytes:
        """Return a value that another process will set, which may take it hours."""
        assert self._store is not None and self._watch is not None
        shown = time.monotonic()
        while not self._store.check([key]):
            self._watch.end_after_failure()
            time.sleep(_POLL)
            if progress is not None and time.monotonic() - shown >= 1 and self._store.check([f"doing/{rank}"]):
                shown = time.monotonic()
                task, done, total = json.loads(self._store.get(f"doing/{rank}"))
                progress(f"rank {rank} on {self.peers[rank].host}: {task}", done, total)
        return self._store.get(key)


@contextmanager
def joined(launch: Launch) -> Iterator[Rendezvous]:
    """Meet the other processes, and stay with them inside a ``with`` block: where one fails in it, all end.

    The one that fails raises its error. The others leave by SystemExit with the same exit code, after one line on each
    other machine. What all of them raise at once, Interrupted and DivergedError, the first one raises for all.

    Raises:
        UsageError: not all of them have come in time.
    """
    process = launch.process
    if process.world_size == 1:
        yield Rendezvous(process)
        return
    store = _connected(launch)
    limit = time.monotonic() + JOINING_SECONDS
    start, peers = _gather(store, launch, limit) if process.first else _introduce(store, launch, limit)
    store = with_prefix(start, store)
    with Watch(process, peers, store.clone()) as watch:
        try:
            yield Rendezvous(process, peers, store, watch)
        except (Interrupted, DivergedError) as error:
            if process.first:
                raise
            raise SystemExit(error.exit_code) from None
        except BaseException as error:
            watch.fail(error)
            raise


def _connected(launch: Launch) -> "Store":
    """Return the store that torchrun or the first process serves."""
    try:
        store: Store = dist.TCPStore(  # type: ignore[attr-defined]
            launch.address,
            launch.port,
            is_master=launch.serves,
            wait_for_workers=False,
            timeout=timedelta(seconds=JOINING_SECONDS),
        )
        return store
    except RuntimeError as error:
        raise UsageError(
            f"rank {launch.process.rank} cannot {'serve' if launch.serves else 'reach'} the store at "
            f"{launch.address}:{launch.port} ({reason_of(error)}); MASTER_ADDR and MASTER_PORT name the first "
            "process' machine and a free port there"
        ) from None


def _gather(store: "Store", launch: Launch, limit: float) -> tuple[str, tuple[Peer, ...]]:
    """Return a name for this start, and all processes, which the first one tells the others.

    Every process says hello by a number of its own, and is answered under that number: what earlier starts have left
    in the same store, as torchrun's restarts do, counts for nothing.
    """
    world_size, start = launch.process.world_size, uuid.uuid4().hex
    here = {0: (launch.node, launch.host, world_size)}
    while len(here) < world_size:
        missing = sorted(set(range(world_size)) - set(here))
        for rank in missing:
            if store.check([f"hello/{rank}"]):
                store.set(f"start/{store.get(f'hello/{rank}').decode()}", start)
            if store.check([f"{start}/here/{rank}"]):
                here[rank] = json.loads(store.get(f"{start}/here/{rank}"))
        for rank, (_, host, theirs) in here.items():
            if theirs != world_size:
                refusal = f"rank {rank} on {host} is one of {theirs} processes, and rank 0 one of {world_size}"
                store.set(f"{start}/peers", json.dumps(refusal))
                raise UsageError(refusal)
        _sleep(limit, f"rank {missing[0]} of {world_size}")
    peers = [here[rank][:2] for rank in range(world_size)]
    store.set(f"{start}/peers", json.dumps(peers))
    return start, tuple(Peer(*peer) for peer in peers)


def _introduce(store: "Store", launch: Launch, limit: float) -> tuple[str, tuple[Peer, ...]]:
    """Say hello to the first process, and return what it calls this start, and all processes."""
    own, (rank, world_size) = uuid.uuid4().hex, launch.process
    store.set(f"hello/{rank}", own)
    while not store.check([f"start/{own}"]):
        _sleep(limit, f"rank 0 of {world_size}")
    start = store.get(f"start/{own}").decode()
    store.set(f"{start}/here/{rank}", json.dumps([launch.node, launch.host, world_size]))
    while not store.check([f"{start}/peers"]):
        _sleep(limit, f"one of {world_size} processes")
    peers = json.loads(store.get(f"{start}/peers"))
    if isinstance(peers, str):
        raise UsageError(peers)
    return start, tuple(Peer(*peer) for peer in peers)


def with_prefix(prefix: str, store: "Store") -> "Store":
    """Return a store that sees its own keys only."""
    own: Store = dist.PrefixStore(prefix, store)  # type: ignore[attr-defined]
    return own


def _sleep(limit: float, missing: str) -> None:
    """Wait a moment; UsageError where the time to come is over."""
    if time.monotonic() > limit:
        raise UsageError(f"{missing} has not come in {JOINING_SECONDS / 60:g} minutes; start all of them together")
    time.sleep(_POLL)
