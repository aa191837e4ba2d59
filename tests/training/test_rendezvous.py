"""Two real processes that meet, agree, wait for each other, and end together."""

import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch.distributed as dist
from processes import in_two_processes

from videogan.errors import DataError, Interrupted
from videogan.training.launch import Process, launch_from_environment
from videogan.training.rendezvous import Rendezvous, joined
from videogan.training.watch import Peer, Watch


def meeting(rendezvous: Rendezvous) -> dict[str, object]:
    """What a process gets of all that processes say to each other; the second works until the first waits for it."""
    first, shown = rendezvous.process.first, []
    facts = {"list of clips": "12 videos"}
    rendezvous.agree(lambda: facts)
    rendezvous.agree(None if first else lambda: {"not": "compared"})
    with rendezvous.goes_ahead():
        if first:
            time.sleep(0.3)
            Path("done").touch()
        found = Path("done").exists()
    with rendezvous.goes_ahead(1, progress=lambda *done: shown.append(done)):
        report = rendezvous.reported(None)
        if not first and report is not None:
            report("reading clips", 3, 12)
            time.sleep(2)
    return {
        "of first": rendezvous.of_first(f"of {rendezvous.process.rank}"),
        "speaks": rendezvous.speaks,
        "local rank": rendezvous.local_rank,
        "found": found,
        "shown": shown,
    }


def test_they_meet_and_wait_for_each_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, second = in_two_processes(meeting, tmp_path)
    assert first["of first"] == second["of first"] == "of 0"
    assert (first["speaks"], second["speaks"]) == (True, False)
    assert (first["local rank"], second["local rank"]) == (0, 1)
    assert first["found"] and second["found"]
    (task, *done), *_ = first["shown"]
    assert task.startswith("rank 1 on ") and task.endswith(": reading clips") and done == [3, 12]
    assert second["shown"] == []


def disagreement(rendezvous: Rendezvous) -> None:
    rendezvous.agree(lambda: {"version": "1", **({} if rendezvous.process.first else {"train.seed": "3"})})
    rendezvous.of_first("never said")


def test_a_difference_names_rank_and_field_and_ends_both(tmp_path):
    began = time.monotonic()
    results = in_two_processes(disagreement, tmp_path, machines=2)
    assert time.monotonic() - began < 60
    for code, said in results:
        assert code == 2
        (line,) = said.splitlines()
        assert line.startswith("error: rank 1 on ")
        assert "has another train.seed than rank 0" in line and "(3; rank 0: not set)" in line


def miscount(rendezvous: Rendezvous) -> None:
    """Meet once more, at the same store, where the second process believes that there are three."""
    launch = launch_from_environment()
    process = Process(launch.process.rank, launch.process.world_size + launch.process.rank)
    with joined(replace(launch, process=process, serves=False)):
        raise AssertionError("they have met")


def test_a_process_that_counts_otherwise_is_refused(tmp_path):
    for code, said in in_two_processes(miscount, tmp_path):
        assert code == 2
        assert "is one of 3 processes, and rank 0 one of 2" in said and said.count("\n") == 1


def failure_while_the_other_works(rendezvous: Rendezvous) -> None:
    if rendezvous.process.first:
        time.sleep(250)
    raise DataError("clips: no video can be decoded")


def failure_while_the_other_waits(rendezvous: Rendezvous) -> None:
    with rendezvous.goes_ahead():
        if rendezvous.process.first:
            raise DataError("clips: no video can be decoded")


@pytest.mark.parametrize("machines", [1, 2])
@pytest.mark.parametrize(("work", "culprit"), [(failure_while_the_other_works, 1), (failure_while_the_other_waits, 0)])
def test_a_failure_ends_the_other_and_is_told_once_on_each_machine(work, culprit, machines, tmp_path):
    results = in_two_processes(work, tmp_path, machines=machines)
    assert [code for code, _ in results] == [3, 3]
    assert results[culprit][1] == "error: clips: no video can be decoded\n"
    said = results[1 - culprit][1]
    if machines == 1:
        assert said == ""
    else:
        assert said.startswith(f"error: rank {culprit} on ") and said.endswith(": clips: no video can be decoded\n")


def death(rendezvous: Rendezvous) -> None:
    if not rendezvous.process.first:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(250)


@pytest.mark.slow
def test_a_killed_process_is_missed(tmp_path):
    (code, said), (killed, _) = in_two_processes(death, tmp_path)
    assert (code, killed) == (1, -signal.SIGKILL)
    assert said.count("\n") == 1 and "rank 1 on " in said and "no sign of life for 8 seconds" in said


def end_by_agreement(rendezvous: Rendezvous) -> None:
    """Both stop by a signal that they agreed on, and the first has still to write."""
    if rendezvous.process.first:
        time.sleep(2)
    raise Interrupted("saved", signal.SIGTERM)


def test_nobody_is_torn_from_its_last_work_by_an_end_that_all_agree_on(tmp_path):
    assert in_two_processes(end_by_agreement, tmp_path) == [(143, "error: saved\n"), (143, "")]


def test_each_machine_waits_for_its_own_leader():
    peers, store, entered = (Peer("a", "x"), Peer("b", "y"), Peer("b", "y")), dist.HashStore(), threading.Event()
    first, leader, follower = (
        Rendezvous(process, peers, store, Watch(process, peers, store)) for process in (Process(n, 3) for n in range(3))
    )
    assert [first.leader, leader.leader, follower.leader] == [0, 1, 1]

    def follow() -> None:
        with follower.goes_ahead(follower.leader):
            entered.set()

    thread = threading.Thread(target=follow)
    with first.goes_ahead(first.leader):
        thread.start()
    assert not entered.wait(0.5)
    with leader.goes_ahead(leader.leader):
        pass
    assert entered.wait(60)
    thread.join()


def test_a_process_alone_speaks_to_nobody():
    alone = Rendezvous()
    with alone.goes_ahead():
        assert alone.of_first(3) == 3
    alone.agree(lambda: {}["never asked"])
    assert alone.speaks and alone.process.first and alone.reported(None) is None
