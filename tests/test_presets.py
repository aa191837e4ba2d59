import json

import pytest

from videogan.config import Config
from videogan.errors import MissingPathError, UsageError
from videogan.presets import (
    PRESETS,
    change,
    known_settings,
    load_config,
    parse_setting,
    preset,
    save_config,
)


@pytest.mark.parametrize("name", PRESETS)
def test_round_trip(tmp_path, name):
    config = preset(name, ["train.seed=5", "penalty.kind=none"])
    save_config(config, tmp_path / "config.json")
    assert load_config(tmp_path / "config.json") == config
    assert config.preset == name


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("train.batchsize=3", r"there is no setting 'train.batchsize' \(did you mean 'train.batch_size'\?\)"),
        ("trian.seed=1", r"did you mean 'train.seed'\?"),
        ("penalty.sigm=1", r"did you mean 'penalty.sigma'\?"),
        ("train.learning_rate=1", r"did you mean 'optimizer.learning_rate'\?"),
        ("augment.foo=1", "augment has probability, translation"),
        ("foo.bar=1", "groups are data, generator"),
        ("train.seed=x", "setting train.seed = 'x'"),
        ("train.batch_size=0", "setting train.batch_size = 0"),
        ("data.size=48", "must be 32, 64, 128, 256 or 512"),
        ("generator.channels=[8,8,8]", "generator.channels needs 4 entries for data.size=32, not 3"),
        ("penalty.kind=exakt", "'finite-difference', 'exact', 'wgan-gp', 'none'"),
        ("train.max_burn_in=1", "max_burn_in 1 is below min_burn_in 4"),
        ("projected_discriminator.num_frames=9", "projected_discriminator.num_frames is more than data.num_frames"),
        ("frame_discriminator.num_frames=17", "frame_discriminator.num_frames is more than data.num_frames"),
        ("clip_discriminator.normalisation=batch", "no gradient of its own to penalise; set penalty.kind=none"),
        ("seed", "a setting is group.key=value"),
        ("preset=x", "there is no setting 'preset'"),
    ],
)
def test_wrong_settings_are_told(setting, said):
    with pytest.raises(UsageError, match=said) as caught:
        preset("cpu", [setting])
    assert "\n" not in str(caught.value)


def test_a_setting_of_another_kind_is_told_apart_from_a_wrong_one():
    with pytest.raises(UsageError, match=r"^penalty.kind=none has no setting 'penalty.share'$"):
        preset("cpu", ["penalty.share=0.5", "penalty.kind=none"])


def test_unknown_preset():
    with pytest.raises(UsageError, match=r"did you mean 'gpu64'\?"):
        preset("gpu46")


@pytest.mark.parametrize("size", [32, 64, 128, 256, 512])
@pytest.mark.parametrize("name", PRESETS)
def test_another_size_adapts_the_networks(name, size):
    config = preset(name, [f"data.size={size}"])
    assert config.data.size == size
    assert len(config.generator.channels) == (size // 4 // config.generator.subpixel).bit_length()


def test_settings_win_over_the_preset():
    assert preset("gpu64", ["train.batch_size=8"]).train.batch_size == 8
    assert preset("gpu64").train.batch_size == 16
    assert preset("cpu", ["generator.prior=normal"]).generator.prior == "normal"


def test_changing_the_kind_starts_from_its_defaults():
    assert preset("gpu64", ["penalty.kind=none"]).penalty.model_dump() == {"kind": "none"}
    assert preset("cpu", ["penalty.r1_weight=7", "penalty.kind=exact"]).penalty.r1_weight == 7


def test_parse_setting():
    assert parse_setting("a.b=[1, 2]") == ("a.b", [1, 2])
    assert parse_setting("a.b=uniform") == ("a.b", "uniform")
    assert parse_setting("a.b=x=y") == ("a.b", "x=y")


def test_every_known_setting_can_be_given():
    config = Config()
    tree = config.model_dump()
    for key in known_settings(config):
        group, name = key.split(".")
        assert change(config, {key: tree[group][name]}) == config


@pytest.mark.parametrize("content", ["", "[]", "{", json.dumps({"train": {"stepz": 1}}), "\ud800"])
def test_an_unreadable_config_file(tmp_path, content):
    file = tmp_path / "config.json"
    file.write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(UsageError, match=r"config\.json"):
        load_config(file)
    with pytest.raises(MissingPathError):
        load_config(tmp_path / "absent.json")


@pytest.mark.parametrize("kind", ["relativistic", "hinge"])
def test_a_loss_without_labels_has_none_to_smooth(kind):
    with pytest.raises(UsageError, match=f"the {kind} loss has none; set adversarial.kind to one of non-saturating"):
        preset("cpu", [f"adversarial.kind={kind}", "adversarial.real_label=0.9"])


@pytest.mark.parametrize("kind", ["non-saturating", "least-squares"])
def test_labels_are_smoothed_on_one_or_two_sides(kind):
    config = preset("cpu", [f"adversarial.kind={kind}", "adversarial.real_label=0.9", "adversarial.fake_label=0.1"])
    assert (config.adversarial.real_label, config.adversarial.fake_label) == (0.9, 0.1)


def test_a_config_of_version_1_keeps_the_inputs_that_it_was_written_for(tmp_path):
    tree = preset("cpu").model_dump()
    new = [tree["generator"].pop(name) for name in ("motion_inputs", "class_scale", "content_scale")]
    assert new == [16, "unit-norm", "unit-variance"]
    tree["version"] = 1
    (tmp_path / "config.json").write_text(json.dumps(tree))
    config = load_config(tmp_path / "config.json")
    assert config.version == 2
    assert config.generator.content_dim == 64
    generator = config.generator
    assert (generator.motion_inputs, generator.class_scale, generator.content_scale) == (0, "none", "none")
    save_config(config, tmp_path / "config.json")
    assert load_config(tmp_path / "config.json") == config


@pytest.mark.parametrize("version", [0, 3, "x"])
def test_a_config_of_another_version_is_refused(tmp_path, version):
    (tmp_path / "config.json").write_text(json.dumps({"version": version}))
    with pytest.raises(UsageError, match=r"setting version"):
        load_config(tmp_path / "config.json")
