"""A fourth kind of discriminator: its class, one field of the configuration, one line of the table."""

import torch
from tiny_run import TINY, run_step, tiny_state
from torch import Tensor

from videogan.config import Config, DiscriminatorConfig
from videogan.models.build import DISCRIMINATORS
from videogan.models.discriminator import Discriminator, DiscriminatorInput, DiscriminatorOutput, Head
from videogan.presets import preset


class EndsDiscriminator(Discriminator):
    """Judges the change from a clip's first frame to its last."""

    def __init__(self, size: int, num_classes: int) -> None:
        super().__init__()
        self.head = Head(3 * size**2, num_classes=num_classes)

    def forward(self, x: DiscriminatorInput) -> DiscriminatorOutput:
        return self.head(self.features(x)[0].flatten(1)[:, None], x.labels)

    def features(self, x: DiscriminatorInput) -> list[Tensor]:
        return [x.clips[:, -1] - x.clips[:, 0]]


class EndsConfig(DiscriminatorConfig):
    weight: float = 0.5


class ConfigWithEnds(Config):
    ends_discriminator: EndsConfig = EndsConfig()


def test_a_fourth_kind_is_trained_saved_logged_and_asked_about_features(monkeypatch):
    monkeypatch.setitem(
        DISCRIMINATORS, EndsConfig, lambda part, config, num_classes: EndsDiscriminator(config.data.size, num_classes)
    )
    config = ConfigWithEnds.model_validate(preset("cpu", TINY).model_dump())
    state = tiny_state(config)
    before = [p.clone() for p in state.networks.discriminators["ends"].parameters()]
    losses = run_step(state, config, 0)
    assert {"ends_loss", "ends_r1", "ends_real_logit", "generator_ends", "generator_ends_auxiliary"} <= set(losses)
    after = state.state_dict()["networks"]["ends_discriminator"]
    assert not all(torch.equal(old, new) for old, new in zip(before, after.values(), strict=True))
