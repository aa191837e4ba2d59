"""Chunks through fixed places, as a CUDA graph reads and writes them, equal those that are decoded as they come."""

from contextlib import nullcontext

import pytest
import torch
from tiny_generator import tiny_generator

from videogan.generation import chunks
from videogan.generation.chunks import ChunkDecoder
from videogan.generation.sampling import stream, take


def decoded(decoder, codes, condition, sizes):
    """Frames of chunks of some latent steps each, and which of them went through fixed places."""
    frames, fixed = [], []
    with torch.inference_mode():
        for part in zip(codes.split(sizes, 1), condition.split(sizes, 1), strict=True):
            frames.append(decoder(*part))
            fixed.append(decoder.replays)
    return torch.cat(frames, dim=1), fixed


def test_fixed_places_give_the_same_frames_whatever_the_chunks(monkeypatch):
    monkeypatch.setattr(chunks, "GRAPH_AFTER", 2)
    generator = tiny_generator()
    sizes = [generator.context_steps + 1, 2, 2, 2, 3, 3, 1, 2]
    codes = torch.rand(2, sum(sizes), generator.motion_dim) * 2 - 1
    condition = generator.condition(torch.rand(2, generator.content_dim), None)[:, None].expand(-1, sum(sizes), -1)
    plain, none = decoded(ChunkDecoder(generator, graphs=False), codes, condition, sizes)
    kept, fixed = decoded(ChunkDecoder(generator, graphs=True), codes, condition, sizes)
    assert torch.allclose(plain, kept, atol=2e-6, rtol=0)
    assert not any(none) and fixed == [False, False, True, True, True, True, True, True]


class _NoStream(nullcontext):
    def wait_stream(self, other):
        pass


def test_a_recording_that_fails_is_said_once_and_the_frames_stay(monkeypatch, caplog):
    if torch.cuda.is_available():
        pytest.skip("recording would succeed")
    monkeypatch.setattr(chunks, "GRAPH_AFTER", 1)
    generator = tiny_generator()
    sizes = [generator.context_steps + 1, 2, 2, 2, 2]
    codes, condition = torch.rand(1, sum(sizes), generator.motion_dim), torch.rand(1, sum(sizes), 8)
    plain, _ = decoded(ChunkDecoder(generator), codes, condition, sizes)
    failing = ChunkDecoder(generator, graphs=True)
    failing._on_gpu = True
    for name in ("Stream", "synchronize", "current_stream", "stream"):
        monkeypatch.setattr(torch.cuda, name, lambda *_: _NoStream())
    frames, fixed = decoded(failing, codes, condition, sizes)
    assert torch.equal(plain, frames) and not any(fixed)
    assert [record.message for record in caplog.records].count(caplog.records[0].message) == len(caplog.records) == 1
    assert "without a CUDA graph" in caplog.text


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_replayed_stream_gives_the_frames_of_an_eager_one(monkeypatch):
    generator = tiny_generator().cuda()

    def frames():
        return torch.cat(list(take(stream(generator, [0, 1]), 320)), dim=1)

    replayed = frames()
    monkeypatch.setattr(chunks, "GRAPH_AFTER", 1000)
    assert torch.allclose(replayed, frames(), atol=1e-3)
