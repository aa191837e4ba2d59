"""What may change in mid-run, and what makes another run."""

import pytest

from videogan.presets import change, preset
from videogan.training.changes import differences, in_words, refused_change


def test_every_change_is_named_with_both_values():
    config = preset("cpu")
    assert differences(config, config) == {}
    assert differences(config, change(config, {"train.steps": 7})) == {"train.steps": (config.train.steps, 7)}
    kinds = differences(config, change(config, {"penalty.kind": "none"}))
    assert kinds["penalty.kind"] == ("finite-difference", "none")
    assert kinds["penalty.sigma"] == (0.03, None)


@pytest.mark.parametrize(
    "setting",
    [
        "train.seed=7",
        "generator.hidden_dim=7",
        "encoder.channels=[8,8,8]",
        "data.fit=letterbox",
        "data.labels=none",
        "joint_discriminator.weight=0.5",
        "clip_discriminator.weight=0",
        "projected_discriminator.weight=1",
        "projected_discriminator.head_channels=8",
        "projected_discriminator.minibatch_std=2",
        "projected_discriminator.num_frames=1",
        "frame_discriminator.num_frames=1",
    ],
)
def test_other_networks_or_clips_are_refused(setting):
    config = preset("cpu")
    assert refused_change(differences(config, preset("cpu", [setting]))).startswith(setting.split("=")[0])


@pytest.mark.parametrize(
    "setting",
    [
        "train.batch_size=4",
        "train.precision=bfloat16",
        "train.device=cuda:1",
        "train.max_burn_in=9",
        "optimizer.learning_rate=1e-5",
        "augment.probability=0.9",
        "penalty.kind=exact",
        "adversarial.kind=hinge",
        "encoder.share=0.5",
        "clip_discriminator.weight=0.5",
        "projected_discriminator.size=128",
        "data.mirror=true",
        "data.cache_limit_gb=1",
    ],
)
def test_what_networks_and_clips_do_not_depend_on_may_change(setting):
    config = preset("cpu")
    changed = differences(config, preset("cpu", [setting]))
    assert changed
    assert refused_change(changed) == ""


def test_the_end_of_a_run_is_no_setting_that_is_told():
    config = preset("cpu")
    assert in_words(differences(config, preset("cpu", ["train.steps=7"]))) == ""
    assert (
        in_words(differences(config, preset("cpu", ["train.batch_size=4"])))
        == f" with train.batch_size=4 (so far {config.train.batch_size})"
    )
