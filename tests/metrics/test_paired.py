import pytest
import torch

from videogan.errors import CheckpointError, DataError, MissingPathError, UsageError
from videogan.metrics.paired import load_lpips, psnr, ssim


def noisy():
    return torch.rand(2, 8, 3, 16, 16, generator=torch.Generator().manual_seed(0)) - 0.5


def test_psnr_and_ssim():
    a = noisy()
    assert psnr(a, a + 0.2) == pytest.approx(20, abs=1e-3)
    assert ssim(a, a) == pytest.approx(1)
    assert ssim(a, a + 0.3 * torch.randn(a.shape, generator=torch.Generator().manual_seed(0))) < 0.9
    with pytest.raises(DataError):
        ssim(a, a[:1])


class Distance(torch.nn.Module):
    def forward(self, a, b):
        return (a - b).abs().mean(dim=(1, 2, 3))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_lpips_by_a_file(tmp_path):
    a = noisy()
    torch.jit.trace(Distance(), (a[0], a[0])).save(str(tmp_path / "net.pt"))
    with pytest.raises(UsageError, match="--trust"):
        load_lpips(tmp_path / "net.pt")
    lpips = load_lpips(tmp_path / "net.pt", trust=True)
    (tmp_path / "net.pt").unlink()  # loaded once
    assert lpips(a, a + 0.25) == pytest.approx(0.25, rel=1e-4) and lpips(a, a) == 0
    (tmp_path / "text").write_text("no network")
    with pytest.raises(CheckpointError):
        load_lpips(tmp_path / "text", trust=True)
    with pytest.raises(MissingPathError):
        load_lpips(tmp_path / "none")
