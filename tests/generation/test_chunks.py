"""Passes through fixed places, as a CUDA graph reads and writes them, equal those that are made as they come."""

import threading
from contextlib import nullcontext

import pytest
import torch
from tiny_generator import tiny_generator

from videogan.generation import chunks
from videogan.generation.chunks import ChunkDecoder, Replays
from videogan.generation.sampling import stream, take


def decoded(replays, codes, condition, sizes):
    """Frames of chunks of some latent steps each, and how many passes were recorded after each."""
    frames, recorded, decoder = [], [], ChunkDecoder(replays)
    with torch.inference_mode():
        for part in zip(codes.split(sizes, 1), condition.split(sizes, 1), strict=True):
            frames.append(decoder(*part))
            recorded.append(replays.recorded)
    return torch.cat(frames, dim=1), recorded


def some_codes(generator, sizes, videos=2):
    codes = torch.rand(videos, sum(sizes), generator.motion_dim) * 2 - 1
    content = generator.condition(torch.rand(videos, generator.content_dim), None)
    return codes, content[:, None].expand(-1, sum(sizes), -1)


def test_fixed_places_give_the_same_frames_whatever_the_chunks(monkeypatch):
    monkeypatch.setattr(chunks, "GRAPH_AFTER", 1)
    generator = tiny_generator()
    sizes = [generator.context_steps + 1, 2, 2, 2, 3, 3, 1, 2]
    codes, condition = some_codes(generator, sizes)
    plain, none = decoded(Replays(generator, graphs=False), codes, condition, sizes)
    kept, recorded = decoded(Replays(generator, graphs=True), codes, condition, sizes)
    assert torch.allclose(plain, kept, atol=2e-6, rtol=0)
    assert not any(none) and recorded == [0, 0, 1, 1, 1, 2, 2, 2]


def test_videos_share_recordings_and_their_states_stay_apart(monkeypatch):
    generator, seeds = tiny_generator(), [0, 1, 2]
    alone = [torch.cat(list(take(stream(generator, [seed]), 64)), dim=1) for seed in seeds]
    monkeypatch.setattr(chunks, "GRAPH_AFTER", 1)
    replays = Replays(generator, graphs=True)
    streams = [take(stream(generator, [seed], replays=replays), 64) for seed in seeds]
    together = [torch.cat(parts, dim=1) for parts in zip(*zip(*streams, strict=True), strict=True)]
    assert replays.recorded == 3  # the dynamics' beginning, the first chunk, and those that follow
    for one, other in zip(alone, together, strict=True):
        assert torch.allclose(one, other, atol=2e-6, rtol=0)


def test_threads_share_recordings(monkeypatch):
    monkeypatch.setattr(chunks, "GRAPH_AFTER", 0)
    generator = tiny_generator()
    alone = [torch.cat(list(take(stream(generator, [seed]), 64)), dim=1) for seed in range(4)]
    replays, together = Replays(generator, graphs=True), {}

    def make(seed):
        together[seed] = torch.cat(list(take(stream(generator, [seed], replays=replays), 64)), dim=1)

    threads = [threading.Thread(target=make, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(torch.allclose(alone[seed], together[seed], atol=2e-6, rtol=0) for seed in range(4))


def test_float16_stays_within_a_level_recorded_or_not(monkeypatch):
    monkeypatch.setattr(chunks, "GRAPH_AFTER", 2)
    generator = tiny_generator()
    sizes = [generator.context_steps + 1, *[2] * 6]
    codes, condition = some_codes(generator, sizes)
    exact, _ = decoded(Replays(generator, graphs=False, lowered=False), codes, condition, sizes)
    replays = Replays(generator, graphs=True, lowered=True)
    lowered, recorded = decoded(replays, codes, condition, sizes)
    assert recorded[-1] == 1
    assert 0 < (127.5 * (exact - lowered)).abs().max() < 1


@pytest.mark.parametrize("last", [False, True], ids=["features", "frames"])
def test_what_float16_cannot_hold_is_made_in_float32_and_said_once(caplog, last):
    generator = tiny_generator()
    with torch.no_grad():
        (generator.to_rgb.conv if last else generator.stages[0].change).weight.mul_(1e7)
    sizes = [generator.context_steps + 1, 2, 2]
    codes, condition = some_codes(generator, sizes)
    exact, _ = decoded(Replays(generator, lowered=False), codes, condition, sizes)
    lowered, _ = decoded(Replays(generator, lowered=True), codes, condition, sizes)
    assert torch.equal(exact, lowered)
    assert len(caplog.records) == 1 and "float32" in caplog.text


def test_only_the_latest_recordings_are_kept(monkeypatch):
    monkeypatch.setattr(chunks, "GRAPH_AFTER", 0)
    monkeypatch.setattr(chunks, "MOST_GRAPHS", 2)
    generator = tiny_generator()
    replays = Replays(generator, graphs=True)
    for steps in (1, 2, 3, 4):
        sizes = [generator.context_steps + steps]
        decoded(replays, *some_codes(generator, sizes), sizes)
    assert replays.recorded == 2


class _NoStream(nullcontext):
    def wait_stream(self, other):
        pass


def test_a_recording_that_fails_is_said_once_and_the_frames_stay(monkeypatch, caplog):
    if torch.cuda.is_available():
        pytest.skip("recording would succeed")
    monkeypatch.setattr(chunks, "GRAPH_AFTER", 1)
    generator = tiny_generator()
    sizes = [generator.context_steps + 1, 2, 2, 2, 2]
    codes, condition = some_codes(generator, sizes, videos=1)
    plain, _ = decoded(Replays(generator), codes, condition, sizes)
    failing = Replays(generator, graphs=True)
    failing._on_gpu = True
    for name in ("Stream", "synchronize", "current_stream", "stream"):
        monkeypatch.setattr(torch.cuda, name, lambda *_: _NoStream())
    frames, recorded = decoded(failing, codes, condition, sizes)
    assert torch.equal(plain, frames) and not any(recorded)
    assert [record.message for record in caplog.records].count(caplog.records[0].message) == len(caplog.records) == 1
    assert "without a CUDA graph" in caplog.text


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_replayed_stream_gives_the_frames_of_an_eager_one():
    generator = tiny_generator().cuda()

    def frames(replays):
        return torch.cat(list(take(stream(generator, [0, 1], replays=replays), 320)), dim=1)

    replays = Replays(generator)
    replayed, exact = frames(replays), frames(Replays(generator, graphs=False, lowered=False))
    assert replays.recorded and (127.5 * (replayed - exact)).abs().max() < 1
    for _ in range(chunks.GRAPH_AFTER):
        again = frames(replays)
    assert replays.recorded == 3 and (127.5 * (again - exact)).abs().max() < 1
