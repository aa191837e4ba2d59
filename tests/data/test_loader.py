import logging
import os
import shutil
import threading
from collections import Counter

import numpy as np
import pytest
import torch

from videogan.config import DataConfig
from videogan.data.loader import ClipLoader
from videogan.data.prefetch import prefetch
from videogan.errors import DataError


@pytest.fixture
def loader(labelled, cached):
    cache = cached(labelled)

    def make(batch_size=4, seed=3, process=(0, 1), **settings):
        data = DataConfig(**{"num_frames": 8, **settings})
        return ClipLoader(cache, data, batch_size=batch_size, seed=seed, process=process)

    return make


def same(one, other):
    return torch.equal(one.frames, other.frames) and torch.equal(one.labels, other.labels)


def test_a_batch_is_a_function_of_seed_and_step(loader):
    batch = loader().batch(5)
    assert batch.frames.shape == (4, 8, 32, 32, 3)
    assert batch.frames.dtype == torch.uint8
    assert batch.labels.dtype == torch.int64
    fresh = loader()
    for step in (9, 0, 5):
        again = fresh.batch(step)
    assert same(batch, again)
    assert not same(batch, loader().batch(6))
    assert not same(batch, loader(seed=4).batch(5))


def test_ranks_share_one_global_batch(loader):
    whole = loader(batch_size=6).batch(2)
    parts = [loader(batch_size=2, process=(rank, 3)).batch(2) for rank in range(3)]
    assert torch.equal(whole.frames, torch.cat([part.frames for part in parts]))
    assert torch.equal(whole.labels, torch.cat([part.labels for part in parts]))


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("short", ["repeat-last", "bounce", "skip"])
def test_clips_are_cut_from_their_videos(loader, read_all, stride, short):
    ours = loader(frame_stride=stride, short=short, batch_size=16)
    videos = [read_all(ours.cache, number) for number in range(4)]
    batch = ours.batch(0)
    for clip, label in zip(batch.frames.numpy(), batch.labels.tolist(), strict=True):
        candidates = videos[:3] if label == 0 else videos[3:]
        matches = False
        for frames in candidates:
            for start in range(ours.cache.videos[0].num_frames):
                indices = np.arange(start, start + 8 * stride, stride)
                if indices[-1] < len(frames):
                    matches |= np.array_equal(frames[indices], clip)
            if len(frames) < 7 * stride + 1:
                matches |= np.array_equal(frames[0], clip[0])
        matches |= label == 1 and any(
            np.array_equal(videos[3][s : s + 7 * stride + 1 : stride], clip) for s in range(30)
        )
        assert matches


def test_classes_are_equally_likely(loader):
    ours = loader(batch_size=64)
    labels = torch.cat([ours.batch(step).labels for step in range(20)])
    assert abs(labels.float().mean() - 0.5) < 0.05
    plain = loader(batch_size=64, class_balanced=False)
    labels = torch.cat([plain.batch(step).labels for step in range(20)])
    assert abs(labels.float().mean() - 0.25) < 0.05


def test_every_start_is_drawn(loader):
    ours = loader(batch_size=64, num_frames=8)
    videos, starts = ours._locate(np.random.default_rng(0).random((4000, 3)))
    drawn = Counter(zip(videos, starts, strict=True))
    assert {start for video, start in drawn if video == 3} == set(range(23))
    assert {start for video, start in drawn if video == 2} == {0}


def test_without_classes_there_are_no_labels(labelled, cached):
    ours = ClipLoader(cached(labelled, labels="none"), DataConfig(num_frames=8), batch_size=2, seed=0)
    assert ours.batch(0).labels is None


def test_too_short_for_every_clip_names_both_ways_out(loader):
    with pytest.raises(DataError, match=r"longest has 30 frames.*needs 32.*data\.short=repeat-last"):
        loader(num_frames=32, short="skip")
    ours = loader(num_frames=32)
    assert ours.num_short == 4
    ours.batch(0)


def test_classes_and_short_videos_that_fall_away_are_told(loader, caplog):
    with caplog.at_level(logging.WARNING):
        ours = loader(num_frames=28, short="skip")
    assert "3 of 4 videos are shorter than a clip's 28 frames: they are left out" in caplog.text
    assert "cannot be learnt: a" in caplog.text
    assert ours.batch(0).labels.tolist() == [1] * 4


def test_batches_are_those_of_the_steps(loader):
    ours = loader()
    stream = ours.batches(7)
    got = [next(stream) for _ in range(5)]
    stream.close()
    assert all(same(batch, ours.batch(7 + number)) for number, batch in enumerate(got))


def test_the_thread_ends_with_its_consumer(loader):
    stream = loader().batches(0)
    next(stream)
    assert any(thread.name == "prefetch" for thread in threading.enumerate())
    stream.close()
    assert not any(thread.name == "prefetch" for thread in threading.enumerate())
    stream = loader().batches(0)
    next(stream)
    del stream
    assert not any(thread.name == "prefetch" for thread in threading.enumerate())


def test_the_next_item_is_produced_while_the_last_one_is_used():
    produced = {step: threading.Event() for step in range(3)}

    def produce(step):
        if step in produced:
            produced[step].set()
        return step

    stream = prefetch(produce, 0)
    for step in range(2):
        assert next(stream) == step
        assert produced[step + 1].wait(timeout=60), "nobody has asked for it yet"
    stream.close()


def test_what_the_thread_raises_is_raised_to_the_consumer():
    def produce(step):
        if step == 2:
            raise DataError("gone")
        return step

    stream = prefetch(produce, 0)
    assert [next(stream), next(stream)] == [0, 1]
    with pytest.raises(DataError, match="gone"):
        next(stream)


def test_frames_lost_while_training_are_replaced_and_counted(loader, caplog, read_all):
    ours = loader(batch_size=32)
    whole = ours.batch(0)
    last = max(ours.cache.videos, key=lambda video: video.offset)
    os.truncate(f"/proc/self/fd/{ours.cache.stores[0]._fd}", last.offset)
    with caplog.at_level(logging.WARNING):
        batch = ours.batch(0)
        ours.batch(1)
    assert len(ours._failed) > 0
    assert len(caplog.records) == 1
    assert "replaced" in caplog.text
    kept = [torch.equal(one, other) for one, other in zip(whole.frames, batch.frames, strict=True)]
    assert 0 < sum(kept) < 32
    again = ClipLoader(ours.cache, ours.data, batch_size=32, seed=3)
    assert same(again.batch(0), batch)
    os.truncate(f"/proc/self/fd/{ours.cache.stores[0]._fd}", 0)
    with pytest.raises(DataError, match="can no longer be read"):
        ours.batch(2)


def test_videos_that_vanish_while_streaming(labelled, cached, caplog):
    ours = ClipLoader(cached(labelled, cache_limit_gb=1e-9), DataConfig(num_frames=8), batch_size=8, seed=0)
    assert ours.batch(0).frames.any()
    ours.cache.close()
    (labelled / "a" / "1.mp4").unlink()
    with caplog.at_level(logging.WARNING):
        for step in range(3):
            ours.batch(step)
    assert len(ours._failed) > 0
    shutil.rmtree(labelled)
    ours.cache.close()
    with pytest.raises(DataError, match="can no longer be read"):
        ours.batch(9)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_batches_on_a_device_are_the_same(loader):
    ours = loader()
    stream = ours.batches(0, "cuda")
    for step in range(20):
        batch = next(stream)
        assert batch.frames.is_cuda
        assert torch.equal(batch.frames.cpu(), ours.batch(step).frames)
        assert torch.equal(batch.labels.cpu(), ours.batch(step).labels)
    stream.close()
