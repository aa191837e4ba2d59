import pytest
import torch

from videogan.config import Config
from videogan.models.build import build_discriminators, build_encoder, build_generator
from videogan.models.discriminator import DiscriminatorInput
from videogan.models.latents import content_code
from videogan.presets import PRESETS, preset

SMALL = {
    "generator.channels": 8,
    "frame_discriminator.channels": 8,
    "clip_discriminator.channels": 8,
    "encoder.channels": 8,
}


def small(name: str, *settings: str) -> Config:
    """A preset with the same shape and few channels."""
    tree = preset(name).model_dump()
    thin = [f"{key}={[8] * len(tree[key.split('.')[0]]['channels'])}" for key in SMALL]
    return preset(name, [*thin, "generator.hidden_dim=16", "generator.motion_dim=8", *settings])


@pytest.mark.parametrize("num_classes", [0, 3])
@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_builds_networks_that_fit_together(name, num_classes):
    config = small(name)
    generator, encoder = build_generator(config, num_classes), build_encoder(config)
    discriminators = build_discriminators(config, num_classes)
    size, num_frames = config.data.size, config.data.num_frames
    labels = torch.tensor([0, 1]) if num_classes else None
    clips = torch.randn(2, num_frames, 3, size, size)
    with torch.no_grad():
        codes = encoder(clips)
        assert codes.content.shape == (2, config.generator.content_dim)
        assert codes.motion_codes.shape == (2, num_frames // 4, 8)
        assert codes.motion_codes.abs().max() <= 1
        assert generator.reconstruct(*codes, labels).shape == clips.shape
        x = DiscriminatorInput(clips, labels, torch.arange(num_frames).expand(2, -1))
        for name, opinions in (("frame", config.frame_discriminator.num_frames), ("clip", 1)):
            output = discriminators[name](x)
            assert output.logits.shape == (2, opinions)
            assert (output.class_logits is None) == (num_classes == 0)
            assert num_classes == 0 or output.class_logits.shape == (2, opinions, num_classes)


def test_a_logit_depends_on_its_class_and_on_no_other_sample():
    labels = torch.tensor([0, 1, 0])
    x = DiscriminatorInput(torch.randn(3, 8, 3, 32, 32), labels, torch.arange(8).expand(3, -1))
    for network in build_discriminators(small("cpu"), 2).values():
        logits = network(x).logits
        assert torch.allclose(network(x.first(1)).logits, logits[:1], atol=1e-5)
        assert (network(x._replace(labels=1 - labels)).logits - logits).abs().min() > 1e-6


def test_classes_need_labels():
    x = DiscriminatorInput(torch.randn(1, 8, 3, 32, 32), None, torch.zeros(1, 2, dtype=torch.long))
    for network in build_discriminators(small("cpu"), 2).values():
        with pytest.raises(ValueError, match="needs labels"):
            network(x)
    with pytest.raises(ValueError, match="need labels"):
        build_generator(small("cpu"), 2).condition(torch.randn(1, 64), None)


def test_the_uniform_prior_is_uniform():
    codes = content_code(torch.randn(100_000), "uniform")
    assert codes.abs().max() < 1
    assert torch.allclose(codes.quantile(torch.tensor([0.1, 0.5, 0.9])), torch.tensor([-0.8, 0.0, 0.8]), atol=0.02)
    noise = torch.randn(10)
    assert torch.equal(content_code(noise, "normal"), noise)
    assert torch.equal(content_code(noise, "normal", truncation=0.5), noise / 2)
