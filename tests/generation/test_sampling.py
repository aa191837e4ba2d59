import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_generator import changes, tiny_generator

from videogan.generation.class_path import ClassPath
from videogan.generation.sampling import (
    CACHED_MAP,
    CHUNK_STEPS,
    MOST_STEPS,
    decoded,
    latent_stream,
    motion_codes,
    portion,
    stream,
    take,
    video_conditions,
)
from videogan.models.build import build_generator
from videogan.presets import preset
from videogan.video import to_uint8


def frames_of(generator, seeds, num_frames, **options):
    return torch.cat(list(take(stream(generator, seeds, **options), num_frames)), dim=1)


@pytest.mark.parametrize("together", [4, 16])
def test_a_seed_gives_the_same_frames_in_batches_of_any_size(together):
    generator = tiny_generator()
    alone = to_uint8(frames_of(generator, [2], 40)).astype(int)[0]
    among = to_uint8(frames_of(generator, range(together), 40)).astype(int)[2]
    assert alone.std() > 5
    assert abs(alone - among).max() <= 1


@pytest.mark.parametrize("seed", [2, 3])
def test_a_seed_gives_the_same_frames_in_one_process_or_two(seed, tmp_path):
    together = to_uint8(frames_of(tiny_generator(), range(4), 24)).astype(int)[seed]
    code = (
        "import sys, numpy; from tiny_generator import tiny_generator;"
        "from videogan.generation.sampling import stream, take;"
        "from videogan.video import to_uint8; import torch;"
        "chunks = take(stream(tiny_generator(), [int(sys.argv[1])]), 24);"
        "numpy.save(sys.argv[2], to_uint8(torch.cat(list(chunks), dim=1))[0])"
    )
    tests = Path(__file__).parents[1]
    environment = os.environ | {"PYTHONPATH": f"{tests}{os.pathsep}{tests.parent}"}
    subprocess.run([sys.executable, "-c", code, str(seed), str(tmp_path / "a.npy")], env=environment, check=True)
    assert abs(np.load(tmp_path / "a.npy").astype(int) - together).max() <= 1


@pytest.mark.parametrize("speed", [0.25, 0.5])
def test_slower_motion_is_less_in_proportion_and_the_content_stays(speed):
    generator = tiny_generator()
    normal = frames_of(generator, range(4), 400)
    slow = frames_of(generator, range(4), int(400 / speed), speed=speed)
    ratio = changes(slow).mean() / changes(normal).mean()
    assert 0.6 * speed < ratio < 1.3 * speed
    means = normal.mean(dim=1)
    between = (means[:, None] - means[None]).abs().mean(dim=(2, 3, 4)).max()
    assert (means - slow.mean(dim=1)).abs().mean() < between / 4


def test_faster_motion_is_more():
    generator = tiny_generator()
    assert (
        changes(frames_of(generator, range(4), 400, speed=2)).mean()
        > 1.1 * changes(frames_of(generator, range(4), 400)).mean()
    )


def test_at_half_speed_every_second_motion_code_is_that_of_full_speed():
    generator = tiny_generator()
    paths = []
    for speed in (1.0, 0.5):
        latents = latent_stream(generator, [5])
        conditions = video_conditions(generator, latents.content_noise, None, 1.0, None)
        codes = motion_codes(generator, latents, conditions, speed)
        paths.append(torch.stack([next(codes) for _ in range(40)])[generator.context_steps :])
    full, half = paths
    assert torch.allclose(half[::2][:10], full[:10], atol=1e-6)
    assert torch.allclose(half[1::2][:10], (full[:10] + full[1:11]) / 2, atol=1e-6)


@pytest.mark.parametrize("chunk_steps", [1, 3])
@pytest.mark.parametrize("speed", [1.0, 0.7])
def test_chunks_do_not_change_the_frames(chunk_steps, speed):
    generator = tiny_generator()
    whole = frames_of(generator, [1], 60, speed=speed, chunk_steps=16)
    parts = frames_of(generator, [1], 60, speed=speed, chunk_steps=chunk_steps)
    assert torch.allclose(whole, parts, atol=1e-4)


def test_class_path_holds_and_crosses_over():
    path = ClassPath((2, 0), hold=8)
    shares = path.mixture([-3, 0, 5.9, 7, 8, 13, 100], 3)
    assert torch.allclose(shares.sum(dim=1), torch.ones(7))
    assert shares[:3].tolist() == [[0, 0, 1]] * 3
    assert shares[3].tolist() == [0.5, 0, 0.5]
    assert shares[4:].tolist() == [[1, 0, 0]] * 3
    cyclic = ClassPath((2, 0), hold=8, cyclic=True)
    assert torch.equal(cyclic.mixture([3, -1, 15], 3), cyclic.mixture([19, 15, 31], 3))


def test_class_path_never_jumps():
    path = ClassPath((0, 1, 2), hold=16, cyclic=True)
    shares = path.mixture([step / 4 for step in range(400)], 3)
    assert (shares[1:] - shares[:-1]).abs().max() < 0.1


def test_the_video_follows_the_classes_without_a_jump():
    generator = tiny_generator(2)
    path = ClassPath((0, 1), hold=16)
    switching = frames_of(generator, [0], 128, classes=path)
    first, second = (frames_of(generator, [0], 128, labels=torch.tensor([label])) for label in (0, 1))
    assert torch.allclose(switching[:, :40], first[:, :40], atol=1e-4)
    assert torch.allclose(switching[:, 120:], second[:, 120:], atol=0.05)
    assert not torch.allclose(first, second, atol=0.05)
    assert changes(switching).max() < 2 * torch.stack([changes(first).max(), changes(second).max()]).max()


@pytest.mark.parametrize("videos", [1, 3])
def test_a_cpu_makes_longer_chunks_after_the_first(videos):
    generator = tiny_generator()
    first, *others = (chunk.shape[1] for chunk in take(stream(generator, range(videos)), 4 * (CHUNK_STEPS + 40)))
    assert first == 4 * CHUNK_STEPS
    steps = min(MOST_STEPS, CACHED_MAP // (videos * generator.numbers_per_step))
    assert steps > CHUNK_STEPS
    assert others[:-1] == [4 * steps] * len(others[:-1]) and sum(others) == 160


@pytest.mark.parametrize("steps_that_fit", [0, 1, 2, 7, 12, 1000])
def test_large_sets_are_decoded_in_portions_of_bounded_size(steps_that_fit):
    generator = tiny_generator(2)
    labels = torch.tensor([0, 1, 0, 1, 1])
    largest_map = steps_that_fit * generator.numbers_per_step
    at_once, steps = portion(generator, 5, 4, largest_map)
    least = generator.context_steps + 1
    assert at_once * (generator.context_steps + steps) * generator.numbers_per_step <= max(
        largest_map, least * generator.numbers_per_step
    )
    latents = latent_stream(generator, range(5))
    conditions = video_conditions(generator, latents.content_noise, labels, 1.0, None)
    codes = motion_codes(generator, latents, conditions)
    parts = list(take(decoded(generator, codes, conditions, 4, largest_map), 40))
    assert len(parts) == -(-40 // (steps * generator.frames_per_step))
    assert torch.allclose(torch.cat(parts, dim=1), frames_of(generator, range(5), 40, labels=labels), atol=1e-4)


def test_the_largest_map_is_counted_as_the_decoder_makes_it():
    generator = tiny_generator()
    sizes = []
    for stage in generator.stages:
        stage.spread.conv.register_forward_pre_hook(lambda _, inputs: sizes.append(inputs[0].numel()))
    list(take(stream(generator, [0, 1], chunk_steps=CHUNK_STEPS), 80))
    assert max(sizes[-len(generator.stages) :]) == pytest.approx(2 * 4 * generator.numbers_per_step, rel=0.2)


@pytest.mark.parametrize("preset_name", ["gpu64", "gpu64-large", "gpu128", "gpu256"])
def test_no_set_of_videos_meets_the_limit_of_a_kernel(preset_name):
    with torch.device("meta"):
        generator = build_generator(preset(preset_name), 4)
    at_once, steps = portion(generator, 1024)
    assert at_once * (generator.context_steps + steps) * generator.numbers_per_step < 2**31 - 1
    assert 1 <= at_once < 1024 and steps == CHUNK_STEPS
