"""A GPU whose memory does not suffice for a batch takes it in shares; elsewhere one line says what would fit."""

import itertools
from pathlib import Path

import pytest
import torch

from videogan.artifacts.checkpoints import load_state
from videogan.models.generator import Generator


@pytest.fixture
def small_gpu(monkeypatch):
    """Give the generator memory for so many clips at once, from a certain call on."""

    def allow(clips, after=0):
        generate, calls = Generator.generate, itertools.count()

        def limited(self, content, *arguments, **options):
            if next(calls) >= after and len(content) > clips:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
            return generate(self, content, *arguments, **options)

        monkeypatch.setattr(Generator, "generate", limited)

    return allow


def test_where_memory_runs_out_a_run_goes_on_in_shares(videogan, clips, tiny, small_gpu):
    assert videogan("train", clips, *tiny, "--steps", 2, "--run", "whole").code == 0
    small_gpu(clips=1)
    result = videogan("train", clips, *tiny, "--steps", 2, "--run", "shares")
    assert result.code == 0, result.err
    assert result.err.count("each in 2 shares") == result.err.count("each in 4 shares") == 1
    whole, shares = (
        load_state(Path(run, "checkpoints", "step-00000002"), "cpu")["networks"]["frame_discriminator"]
        for run in ("whole", "shares")
    )
    for name, value in whole.items():
        # Where a gradient is nothing but rounding, Adam takes a whole step for it: 6e-5 in these two.
        assert (value - shares[name]).abs().mean() < 2e-5, name


@pytest.mark.slow
def test_memory_that_runs_out_later_costs_the_steps_since_the_last_tick(videogan, clips, tiny, small_gpu):
    small_gpu(clips=2, after=3)  # of ticks of two steps, in the second
    result = videogan("train", clips, *tiny, "--steps", 4, "--run", "run")
    assert result.code == 0, result.err
    assert "on from step 2 with the same batches" in result.err
    assert (Path("run/checkpoints/step-00000004")).is_dir()


def test_where_not_one_clip_fits_it_is_said_in_one_line(videogan, clips, tiny, small_gpu):
    small_gpu(clips=0)
    result = videogan("train", clips, *tiny, "--steps", 2, "--run", "run")
    assert result.code == 2
    last = result.err.strip().splitlines()[-1]
    assert last.startswith("error: train.batch_size=4 with clips of 8 frames, 32 x 32 pixels, needs more memory")
    assert "fewer channels" in last


def test_memory_of_the_machine_is_told_in_one_line(videogan, clips, tiny, monkeypatch):
    def no_room(self, *arguments, **options):
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: 9 bytes")

    monkeypatch.setattr(Generator, "generate", no_room)
    result = videogan("train", clips, *tiny, "--steps", 2, "--run", "run")
    assert result.code == 2
    assert "Traceback" not in result.err
    assert "train.batch_size=2 may fit" in result.err.strip().splitlines()[-1]
