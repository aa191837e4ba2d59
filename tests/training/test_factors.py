"""The figures of a tick: they see a class or a code that stops to matter, and cost no draw of the training."""

import pytest
import torch
from tiny_generator import tiny_generator

from videogan.data.loader import ClipBatch
from videogan.training.factors import Factors, design


class Loader:
    """Clips of noise in two classes."""

    batch_size = 16

    def batch(self, step):
        draw = torch.Generator().manual_seed(step)
        frames = torch.randint(0, 256, (16, 8, 32, 32, 3), dtype=torch.uint8, generator=draw)
        return ClipBatch(frames, torch.arange(16) % 2)


@pytest.fixture
def generator():
    return tiny_generator(2)


def row(generator):
    return Factors(Loader()).row(generator)


def test_every_factor_has_its_share_and_a_second_row_is_the_same(generator):
    first = row(generator)
    assert sum(first[f"{name}_share"] for name in ("class", "content", "motion")) == pytest.approx(1)
    assert min(first.values()) > 0 and row(generator) == first
    assert design(generator, 8).shape == (2, 8, 2, 8, 3, 32, 32)


def test_a_class_that_is_not_looked_at_has_no_share_and_is_told_once(generator):
    generator.classes.weight.zero_()
    factors = Factors(Loader())
    figures = factors.row(generator)
    assert figures["class_share"] == 0
    (told,) = [text for text in factors.warnings(figures) if "class" in text]
    assert told == "the class hardly matters: it decides 0.0% of what samples differ by"
    assert not factors.warnings(figures)
    assert not factors.warnings({**figures, "class_share": 0.5}) and factors.warnings(figures)


def test_content_that_is_drowned_and_samples_that_stand_still_are_told(generator):
    generator.content_scale = 0.0
    generator.motion = torch.nn.Linear(generator.motion_dim, generator.motion.out_features).requires_grad_(False)
    generator.motion.weight.zero_()
    figures = row(generator)
    for name in ("content_share", "motion_share", "tick_motion_energy", "tick_variance_within_class"):
        assert figures[name] == pytest.approx(0, abs=1e-6)
    assert figures["class_share"] == pytest.approx(1)
    assert len(Factors(Loader()).warnings(figures)) == 3


def test_without_classes_nothing_is_said_of_them():
    assert "class_share" not in row(tiny_generator(0))
