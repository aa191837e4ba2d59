import torch
from tiny_run import tiny_config

from videogan.models.build import build_joint_discriminator
from videogan.models.encoder import Codes

CONFIG = tiny_config("joint_discriminator.weight=1")


def evidence(batch: int = 3) -> tuple[torch.Tensor, Codes]:
    steps = CONFIG.data.num_frames // 4
    codes = Codes(
        torch.rand(batch, CONFIG.generator.content_dim), torch.rand(batch, steps, CONFIG.generator.motion_dim)
    )
    return torch.randn(batch, CONFIG.data.num_frames, 3, 32, 32), codes


def test_there_is_none_without_a_weight():
    assert build_joint_discriminator(tiny_config(), 0) is None


def test_its_logit_depends_on_the_clip_on_each_code_and_on_no_other_sample():
    discriminator = build_joint_discriminator(CONFIG, 2)
    clips, codes = evidence()
    labels = torch.tensor([0, 1, 0])
    logits = discriminator(clips, codes, labels).logits
    assert logits.shape == (3,)
    alone = discriminator(clips[:1], Codes(*(part[:1] for part in codes)), labels[:1]).logits
    assert torch.allclose(alone, logits[:1], atol=1e-5)
    others = (
        discriminator(clips, codes._replace(content=-codes.content), labels),
        discriminator(clips, codes._replace(motion_codes=-codes.motion_codes), labels),
        discriminator(-clips, codes, labels),
        discriminator(clips, codes, 1 - labels),
    )
    for judgement in others:
        assert (judgement.logits - logits).abs().min() > 1e-6
