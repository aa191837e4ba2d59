import os
from fractions import Fraction

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from videogan.data.folder import scan_folder
from videogan.metrics.features import load_features
from videogan.metrics.measure import Measured, cache_key, measure_cached
from videogan.metrics.protocol import real_protocol, real_set
from videogan.metrics.sources import ClipRule, FolderSource
from videogan.video import VideoWriter

RULE = ClipRule(32, 4)


class Counting:
    """The features that need no weights, counting the clips that they saw."""

    def __init__(self):
        self._net = load_features("pixels-16")
        self.seen = 0
        self.name, self.dim, self.hash = self._net.name, self._net.dim, self._net.hash
        self.resize, self.protocol, self.precision = self._net.resize, self._net.protocol, self._net.precision

    def __call__(self, clips):
        self.seen += len(clips)
        return self._net(clips)


@pytest.fixture
def root(tmp_path):
    noise = np.random.default_rng(0)
    for number in range(4):
        path = tmp_path / "videos" / "ab"[number % 2] / f"{number}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        with VideoWriter(path, frame_rate=Fraction(12)) as writer:
            writer.write(noise.integers(0, 255, (8, 32, 32, 3), np.uint8))
    return tmp_path / "videos"


def run(root, cache, rule=RULE, seed=0):
    net = Counting()
    source = FolderSource(scan_folder(root, cache_dir=cache), rule, clips=8, seed=seed)
    stamp = real_protocol(net, rule, clips=8, seed=seed)
    return net, measure_cached(source, net, stamp, cache_dir=cache)


def test_what_is_known_is_not_measured_again(root, tmp_path):
    cache = tmp_path / "cache"
    first, measured = run(root, cache)
    second, again = run(root, cache)
    assert (first.seen, second.seen) == (8, 0)
    assert all(torch.equal(tensor, again.tensors()[name]) for name, tensor in measured.tensors().items())
    assert measured.labels.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert [path.suffix for path in (cache / "statistics").iterdir()] == [".safetensors"]


def test_a_changed_file_another_rule_or_seed_and_damage_are_measured_anew(root, tmp_path):
    cache = tmp_path / "cache"
    run(root, cache)
    assert run(root, cache, rule=ClipRule(32, 4, 2))[0].seen == 8
    assert run(root, cache, seed=1)[0].seen == 8
    os.utime(root / "a" / "0.mp4", (1, 1))
    assert run(root, cache)[0].seen == 8
    for file in (cache / "statistics").iterdir():
        file.write_bytes(file.read_bytes()[:100])
    assert run(root, cache)[0].seen == 8
    assert run(root, cache)[0].seen == 0


@pytest.mark.parametrize("offset", [-1, -3, -4000])
def test_a_flipped_bit_is_found(root, tmp_path, offset):
    cache = tmp_path / "cache"
    _, whole = run(root, cache)
    (file,) = (cache / "statistics").iterdir()
    content = bytearray(file.read_bytes())
    content[offset] ^= 64
    file.write_bytes(content)
    net, again = run(root, cache)
    assert net.seen == 8
    assert all(torch.equal(tensor, again.tensors()[name]) for name, tensor in whole.tensors().items())


def test_statistics_without_a_digest_are_not_trusted(root, tmp_path):
    cache = tmp_path / "cache"
    _, whole = run(root, cache)
    (file,) = (cache / "statistics").iterdir()
    save_file({**whole.tensors(), "features": whole.features.fill_(float("nan"))}, file)
    assert run(root, cache)[0].seen == 8


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(root, tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "statistics").write_text("a file in the way")
    assert run(root, cache)[0].seen == run(root, cache)[0].seen == 8


def test_the_name_of_a_set_does_not_depend_on_where_it_lies(root, tmp_path):
    before = scan_folder(root, cache_dir=tmp_path / "cache")
    name, key = real_set(before), cache_key(before.videos, {})
    moved = root.rename(tmp_path / "elsewhere")
    after = scan_folder(moved, cache_dir=tmp_path / "cache")
    assert real_set(after) == name
    assert cache_key(after.videos, {}) != key


def test_halves_have_no_video_in_common(root, tmp_path):
    _, measured = run(root, tmp_path / "cache")
    one, two = measured.halves(0)
    assert len(one) + len(two) == len(measured)
    assert not set(one.groups.tolist()) & set(two.groups.tolist())
    assert isinstance(one, Measured)
