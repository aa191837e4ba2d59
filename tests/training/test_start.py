"""What a run takes from a model: all that agrees, classes by name, and nothing of other codes."""

from fractions import Fraction

import pytest
import torch
from tiny_run import run_step, tiny_config, tiny_state

from videogan.artifacts.networks import StoredNetworks
from videogan.artifacts.weights import Card
from videogan.errors import UsageError
from videogan.models.dynamics import DynamicsState
from videogan.presets import change
from videogan.training.start import check_fit, take_from

START = ("start.model=a.safetensors",)
CLASSES = ("circle", "square", "triangle")


def stored(config, class_names=CLASSES, seed=5):
    """A model whose every weight differs from a fresh one's."""
    state = tiny_state(change(config, {"train.seed": seed}), len(class_names))
    networks = {name: network.state_dict() for name, network in state.networks.named().items()}
    return StoredNetworks(Card(config, class_names, Fraction(25), 7, 28), "ab" * 32, networks)


def test_everything_of_a_like_model_is_taken(caplog):
    config = tiny_config(*START)
    model, state = stored(config), tiny_state(config, 3)
    with caplog.at_level("INFO"):
        take_from(state, model, CLASSES)
    for name, network in state.networks.named().items():
        assert all(torch.equal(value, model.networks[name][key]) for key, value in network.state_dict().items()), name
    assert "generator, ema_generator, frame_discriminator, clip_discriminator, encoder" in caplog.messages[0]
    assert caplog.messages[1] == "new, and not taken from it: nothing"


def test_classes_go_by_name(caplog):
    config = tiny_config(*START)
    model, state = stored(config), tiny_state(config, 2)
    fresh = {name: network.state_dict() for name, network in tiny_state(config, 2).networks.named().items()}
    with caplog.at_level("INFO"):
        take_from(state, model, ("pentagon", "triangle"))
    for network, table in (
        ("generator", "classes.weight"),
        ("clip_discriminator", "head.projection.weight"),
        ("frame_discriminator", "head.classifier.bias"),
    ):
        new = state.networks.named()[network].state_dict()[table]
        assert torch.equal(new[1], model.networks[network][table][2])
        assert torch.equal(new[0], fresh[network][table][0])
    assert caplog.messages[1] == "new, and not taken from it: class pentagon"


@pytest.mark.parametrize(("before", "now"), [((), CLASSES), (CLASSES, ())], ids=["classes come", "classes go"])
def test_classes_that_come_or_go_leave_the_videos_as_they_were(before, now):
    """New classes begin without an effect, and without classes every video is of the mean one."""
    config = tiny_config(*START)
    model, state = stored(config, before), tiny_state(config, len(now))
    take_from(state, model, now)
    theirs = tiny_state(config, len(before)).networks.generator
    theirs.load_state_dict(model.networks["generator"])
    content, noise = torch.rand(2, 8) * 2 - 1, torch.randn(2, theirs.context_steps + 2, 4)
    start = DynamicsState(torch.zeros(2, 16), torch.zeros(2, 4))

    def frames(generator, classes):
        labels = torch.full((2, len(classes)), 1 / len(classes)) if classes else None
        return generator.generate(content, labels, noise, start).frames

    assert torch.allclose(frames(theirs, before), frames(state.networks.generator, now), atol=1e-5)


@pytest.mark.parametrize(("before", "now"), [(1.0, 0.1), (0.1, 1.0)])
def test_biases_by_place_that_learn_at_another_rate_are_the_same_biases(before, now):
    placed = [*START, "generator.place_until=8"]
    model = stored(tiny_config(*placed, f"generator.place_lr_multiplier={before}"))
    for name in ("generator", "ema_generator"):
        places = [tensor for key, tensor in model.networks[name].items() if key.endswith(".place")]
        assert len(places) == 2
        for tensor in places:
            tensor.normal_()
    state = tiny_state(tiny_config(*placed, f"generator.place_lr_multiplier={now}"), 3)
    take_from(state, model, CLASSES)
    for name in ("generator", "ema_generator"):
        for key, tensor in state.networks.named()[name].state_dict().items():
            theirs = model.networks[name][key]
            if key.endswith(".place"):
                tensor, theirs = now * tensor, before * theirs
            assert torch.allclose(tensor, theirs, rtol=1e-6)


def test_what_has_another_shape_is_new_and_said(caplog):
    config = tiny_config(*START)
    other = change(config, {"clip_discriminator.channels": (8, 12, 20), "data.num_frames": 12})
    model, state = stored(config), tiny_state(other, 3)
    del model.networks["encoder"]
    with caplog.at_level("INFO"):
        take_from(state, model, CLASSES)
    assert "the whole encoder" in caplog.messages[1]
    assert "5 of 21 tensors of clip_discriminator" in caplog.messages[1]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("generator.content_dim=4", "generator.content_dim=8, and this run 4"),
        ("generator.motion_dim=8", "generator.motion_dim=16, and this run 8"),
        ("generator.prior=normal", "generator.prior=uniform, and this run normal"),
        ("generator.class_scale=none", "generator.class_scale=unit-norm, and this run none"),
    ],
)
def test_other_codes_are_refused(setting, said):
    with pytest.raises(UsageError, match=said):
        check_fit(stored(tiny_config()).card, tiny_config(*START, setting))


def test_frozen_layers_stay_and_the_others_learn():
    config = tiny_config(*START, "train.freeze_layers=2", "joint_discriminator.weight=0.5")
    state = tiny_state(config)
    before = {name: network.state_dict() for name, network in state.networks.discriminators.items()}
    before = {name: {key: value.clone() for key, value in tensors.items()} for name, tensors in before.items()}
    for step in range(2):
        run_step(state, config, step)
    for name, network in state.networks.discriminators.items():
        same = {key for key, value in network.state_dict().items() if torch.equal(value, before[name][key])}
        moved = before[name].keys() - same
        assert {key.removeprefix("trunk.").split(".")[0] for key in same} >= {"from_rgb", "blocks"}
        assert not any(key.removeprefix("trunk.").startswith(("from_rgb.", "blocks.0.")) for key in moved)
        assert any("blocks.1." in key for key in moved), name


def test_nothing_can_be_frozen_that_nobody_brought():
    with pytest.raises(UsageError, match="name it by --from"):
        tiny_config("train.freeze_layers=2")
