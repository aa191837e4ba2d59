"""Streamed clips: dealt out far apart, each position the same whatever was read before it."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from videogan.config import DataConfig
from videogan.data.loader import ClipLoader
from videogan.data.shuffle import CLIPS, RUNS, RunOrder


@pytest.fixture
def streamed(labelled, cached):
    cache = cached(labelled, cache_limit_gb=1e-9)

    def make(batch_size=16, seed=3, process=(0, 1)):
        return ClipLoader(cache, DataConfig(num_frames=4), batch_size=batch_size, seed=seed, process=process)

    return make


def same(one, other):
    return torch.equal(one.frames, other.frames) and torch.equal(one.labels, other.labels)


def test_every_position_of_a_block_belongs_to_one_clip_of_one_run():
    order, size = RunOrder(1), RUNS * CLIPS
    located = [order.locate(position) for position in range(2 * size)]
    assert len(set(located)) == 2 * size
    for run in {run for run, _ in located}:
        assert [located[position] for position in order.positions(run)] == [(run, member) for member in range(CLIPS)]
    assert [run for run, _ in located[:size]] != [run for run, _ in located[size:]]
    assert RunOrder(2).locate(7) != order.locate(7)


def test_a_batch_is_a_function_of_seed_and_step_in_any_order(streamed):
    ahead = streamed()
    batches = [ahead.batch(step) for step in range(20)]
    assert same(streamed().batch(13), batches[13])
    there_and_back = streamed()
    for step in (19, 4, 4, 0, 18):
        assert same(there_and_back.batch(step), batches[step])
    assert not same(streamed(seed=4).batch(0), batches[0])


def test_ranks_share_one_global_batch(streamed):
    whole = streamed(batch_size=6)
    parts = [streamed(batch_size=2, process=(rank, 3)) for rank in range(3)]
    for step in range(3):
        joined = torch.cat([part.batch(step).frames for part in parts])
        assert torch.equal(joined, whole.batch(step).frames)


def test_runs_are_decoded_once_and_the_buffer_stays_small(streamed, monkeypatch):
    loader = streamed()
    read = Counter()
    (store,) = loader.cache.stores
    original = store.read

    def counted(video, indices, out):
        read[video.path] += 1
        original(video, indices, out)

    monkeypatch.setattr(store, "read", counted)
    for step in range(64):
        loader.batch(step)
        assert len(loader._buffer._held) < RUNS * CLIPS
    assert sum(read.values()) == 64 * 16
    assert not loader._buffer._held


def test_every_start_and_class_is_as_likely_as_from_the_cache(streamed, read_all):
    loader = streamed(batch_size=64)
    frames = read_all(loader.cache, 3)
    starts = {frames[start].tobytes(): start for start in range(27)}
    counts, labels = Counter(), []
    for step in range(80):
        batch = loader.batch(step)
        labels += batch.labels.tolist()
        counts.update(
            starts[clip[0].tobytes()]
            for clip, label in zip(batch.frames.numpy(), batch.labels, strict=True)
            if label == 1
        )
    assert abs(np.mean(labels) - 0.5) < 0.06
    assert set(counts) == set(range(27)) and max(counts.values()) < 3 * min(counts.values())


def test_two_threads_may_ask_at_once(streamed):
    """Training's prefetch and an evaluation that looks back share one loader."""
    loader, fresh = streamed(), streamed()
    batches = {step: fresh.batch(step) for step in (0, 1, 2, 3, 40, 41, 42, 43)}
    with ThreadPoolExecutor(2) as pool:
        steps = (40, 0, 41, 1, 42, 2, 43, 3)
        for step, batch in zip(steps, pool.map(loader.batch, steps), strict=True):
            assert same(batch, batches[step])
