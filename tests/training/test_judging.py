import torch
from tiny_run import real_batch, tiny_config, tiny_state

from videogan.models.encoder import Codes
from videogan.training.judging import Evidence, judge, judge_together

JOINT = "joint_discriminator.weight=1"


def evidence(config, step: int) -> Evidence:
    clips, labels = real_batch(config, step)
    frames = torch.tensor([[0, 3]]).expand(len(clips), -1)
    steps = config.data.num_frames // 4
    generator = config.generator
    codes = Codes(torch.randn(len(clips), generator.content_dim), torch.randn(len(clips), steps, generator.motion_dim))
    return Evidence(clips, labels, frames, codes)


def test_one_pass_says_what_passes_apart_say():
    config = tiny_config(JOINT)
    networks = tiny_state(config).networks
    first, second = evidence(config, 0), evidence(config, 1).first(3)
    together = judge_together(networks, [first, second])
    assert list(together) == ["frame", "clip", "joint"]
    for place, part in enumerate((first, second)):
        for name, judgement in judge(networks, part).items():
            got = together[name][place]
            assert torch.allclose(got.logits, judgement.logits, atol=1e-5)
            assert torch.allclose(got.class_logits, judgement.class_logits, atol=1e-5)


def test_batch_normalisation_keeps_real_and_generated_clips_apart():
    config = tiny_config("clip_discriminator.normalisation=batch", "penalty.kind=none")
    networks = tiny_state(config).networks
    assert networks.mix_samples()
    first, second = evidence(config, 0), evidence(config, 1)
    judged = [judge_together(networks, [first, other])["clip"][0].logits for other in (second, first)]
    assert torch.allclose(*judged), "what stands beside a batch must not change it"
    assert not tiny_state(tiny_config()).networks.mix_samples()


def test_the_frame_discriminator_sees_the_chosen_frames_only():
    config = tiny_config()
    networks = tiny_state(config).networks
    one = evidence(config, 0)
    clips = one.clips.clone()
    clips[:, [1, 2, 4, 5, 6, 7]] = 0
    same = judge(networks, one._replace(clips=clips))
    assert torch.allclose(same["frame"].logits, judge(networks, one)["frame"].logits)
