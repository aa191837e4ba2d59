import threading
import time

import pytest

from videogan.generation.worker import WAITING, Worker


def test_items_are_worked_on_in_order_and_all_before_the_block_ends():
    done = []
    with Worker(lambda item: (time.sleep(0.002), done.append(item))) as worker:
        for item in range(20):
            worker.put(item)
    assert done == list(range(20))


def test_a_producer_that_is_faster_waits():
    started, free, begun = [], threading.Event(), threading.Event()

    def work(item):
        started.append(item)
        begun.set()
        free.wait(10)

    put = []
    with Worker(work) as worker:
        producer = threading.Thread(target=lambda: [(worker.put(item), put.append(item)) for item in range(10)])
        producer.start()
        begun.wait(10)
        time.sleep(0.3)
        assert started == [0] and len(put) <= WAITING + 1
        free.set()
        producer.join(10)
    assert started == put == list(range(10))


@pytest.mark.parametrize("puts", [1, 10])
def test_an_error_of_the_thread_is_raised_to_the_producer(puts):
    def work(item):
        raise OSError("full")

    with pytest.raises(OSError, match="full"), Worker(work) as worker:
        for item in range(puts):
            worker.put(item)
            time.sleep(0.02)


def test_an_error_of_the_producer_drops_what_waits_and_stays():
    done, free = [], threading.Event()

    def work(item):
        free.wait(10)
        done.append(item)

    with pytest.raises(KeyError), Worker(work) as worker:
        worker.put(0)
        worker.put(1)
        threading.Timer(0.1, free.set).start()
        raise KeyError
    assert done in ([], [0])
    assert not worker._thread.is_alive()
