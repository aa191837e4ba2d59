import pytest
import torch
from tiny_run import tiny_config

from videogan.models.build import build_discriminators
from videogan.models.discriminator import DiscriminatorInput
from videogan.models.encoder import Codes

CONFIG = tiny_config("joint_discriminator.weight=1")


def clips_with_codes(batch: int = 3) -> DiscriminatorInput:
    steps = CONFIG.data.num_frames // 4
    codes = Codes(
        torch.rand(batch, CONFIG.generator.content_dim), torch.rand(batch, steps, CONFIG.generator.motion_dim)
    )
    clips = torch.randn(batch, CONFIG.data.num_frames, 3, 32, 32)
    return DiscriminatorInput(clips, torch.arange(batch) % 2, torch.zeros(batch, 8, dtype=torch.long), codes)


def test_there_is_none_without_a_weight():
    assert "joint" not in build_discriminators(tiny_config(), 0)


def test_its_logit_depends_on_the_clip_on_each_code_and_on_no_other_sample():
    discriminator = build_discriminators(CONFIG, 2)["joint"]
    x = clips_with_codes()
    logits = discriminator(x).logits
    assert logits.shape == (3, 1)
    assert torch.allclose(discriminator(x.first(1)).logits, logits[:1], atol=1e-5)
    others = (
        x._replace(codes=x.codes._replace(content=-x.codes.content)),
        x._replace(codes=x.codes._replace(motion_codes=-x.codes.motion_codes)),
        x._replace(clips=-x.clips),
        x._replace(labels=1 - x.labels),
    )
    for other in others:
        assert (discriminator(other).logits - logits).abs().min() > 1e-6


def test_it_says_that_it_needs_codes():
    with pytest.raises(ValueError, match="codes"):
        build_discriminators(CONFIG, 2)["joint"](clips_with_codes()._replace(codes=None))
