import pytest
import torch
import torch.nn.functional as F
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from videogan.models.layers import (
    CausalConv3d,
    Conv3d,
    TemporalUpsample,
    blur,
    conv3d,
    convolve_frames,
    double_by_products,
    downsample,
    downsample_by_means,
    halve_by_means,
    last_frames,
    product,
    spatial_downsample,
    spatial_upsample,
    temporal_downsample,
)


def checkerboard(size: int) -> torch.Tensor:
    places = torch.arange(size)
    return ((places[:, None] + places) % 2 * 2.0 - 1).expand(1, 2, 3, size, size)


def test_blur_keeps_flat_frames_and_removes_a_checkerboard():
    assert torch.allclose(blur(torch.full((1, 2, 3, 8, 8), 0.3)), torch.tensor(0.3))
    assert blur(checkerboard(8))[..., 1:-1, 1:-1].abs().max() < 1e-6


def test_resampling_keeps_flat_clips_and_shapes():
    flat = torch.full((2, 3, 4, 8, 6), 0.7)
    for resample, shape in (
        (spatial_upsample, (2, 3, 4, 16, 12)),
        (spatial_downsample, (2, 3, 4, 4, 3)),
        (temporal_downsample, (2, 3, 2, 8, 6)),
    ):
        out = resample(flat)
        assert out.shape == shape
        assert torch.allclose(out, torch.tensor(0.7))


def test_downsampling_averages():
    x = torch.arange(16.0).reshape(1, 1, 1, 4, 4)
    assert spatial_downsample(x)[0, 0, 0].tolist() == [[2.5, 4.5], [10.5, 12.5]]
    assert temporal_downsample(torch.tensor([1.0, 3.0, 5.0, 5.0]).reshape(1, 1, 4, 1, 1)).flatten().tolist() == [2, 5]


def test_temporal_upsampling_is_linear_and_causal():
    x = torch.tensor([1.0, 3.0, 7.0]).reshape(1, 1, 3, 1, 1)
    y, state = TemporalUpsample()(x)
    assert y.flatten().tolist() == [2, 3, 5, 7]
    y, _ = TemporalUpsample()(torch.full((1, 1, 1, 1, 1), 8.0), state)
    assert y.flatten().tolist() == [7.5, 8]


@pytest.mark.parametrize("kernel", [(3, 3, 3), (1, 3, 3), (5, 1, 1)])
def test_a_causal_convolution_in_parts_equals_the_whole(kernel):
    conv = CausalConv3d(2, 4, kernel)
    x = torch.randn(1, 2, 9, 6, 6)
    whole, last = conv(x)
    assert whole.shape[2] == 9 - conv.history
    first, state = conv(x[:, :, :6])
    second, other_last = conv(x[:, :, 6:], state)
    assert torch.allclose(torch.cat([first, second], dim=2), whole, atol=1e-6)
    assert torch.equal(last, other_last)


@pytest.mark.parametrize("size", [1, 3])
def test_convolutions_of_one_frame_are_3d_ones_in_another_form_and_keep_channels_innermost(size):
    x = torch.randn(2, 6, 4, 7, 9).to(memory_format=torch.channels_last_3d)
    weight, bias = torch.randn(5, 6, 1, size, size), torch.randn(5)
    weight = weight.to(memory_format=torch.channels_last_3d)
    other = product(x, weight, bias) if size == 1 else convolve_frames(x, weight, bias, (1, 1))
    assert torch.allclose(other, F.conv3d(x, weight, bias, padding=(0, size // 2, size // 2)), atol=1e-5)
    assert other.is_contiguous(memory_format=torch.channels_last_3d)


@pytest.mark.parametrize("kernel", [(1, 1, 1), (1, 3, 3), (3, 3, 3)])
@pytest.mark.parametrize("innermost", [torch.contiguous_format, torch.channels_last_3d])
def test_a_convolution_of_one_video_is_that_of_many(kernel, innermost):
    conv = conv3d(6, 5, kernel).to(memory_format=innermost)
    x = torch.randn(3, 6, 8, 7, 9).to(memory_format=innermost)
    with torch.inference_mode():
        together = conv(x)
        alone = torch.cat([conv(part) for part in x.split(1)])
    assert torch.allclose(alone, together, atol=1e-5)
    assert torch.allclose(conv(x[:1]), together[:1], atol=1e-5), "with gradients"


def test_blur_weighs_neighbours_one_two_one():
    frames = torch.randn(2, 3, 3, 8, 9)
    padded = torch.nn.functional.pad(frames, (1, 1, 1, 1, 0, 0), mode="replicate")
    row = (padded[..., :-2] + 2 * padded[..., 1:-1] + padded[..., 2:]) / 4
    expected = (row[..., :-2, :] + 2 * row[..., 1:-1, :] + row[..., 2:, :]) / 4
    assert torch.allclose(blur(frames), expected, atol=1e-6)


@pytest.mark.parametrize("frames", [1, 2, 3, 4])
@pytest.mark.parametrize("kernel", [1, 3])
def test_bfloat16_gradients_of_a_3d_convolution_are_those_of_float32(frames, kernel):
    conv = Conv3d(32, 48, kernel, padding=kernel // 2)
    x = torch.randn(4, 32, frames, 4, 4)

    def gradient(*, bfloat16: bool) -> torch.Tensor:
        conv.weight.grad = None
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            y = conv(x)
        y.float().square().sum().backward()
        return conv.weight.grad

    exact = gradient(bfloat16=False)
    for _ in range(20):
        # What a kernel forgets to write keeps what lay there before.
        left_over = [torch.full((2**size,), 1e36) for size in range(12, 21)]
        del left_over
        error = (gradient(bfloat16=True) - exact).abs().max() / exact.abs().max()
        assert error < 0.02


@pytest.mark.parametrize(
    ("on_a_gpu", "mode", "factor"),
    [(double_by_products, "bilinear", 2), (halve_by_means, "bilinear", 0.5), (downsample_by_means, "trilinear", 0.5)],
)
def test_what_a_gpu_resamples_by_is_interpolation(on_a_gpu, mode, factor):
    shape, layout = (
        ((3, 5, 4, 6), torch.channels_last) if mode == "bilinear" else ((3, 5, 4, 4, 6), torch.channels_last_3d)
    )
    frames = torch.randn(shape, dtype=torch.float64).to(memory_format=layout).requires_grad_()
    resampled = on_a_gpu(frames)
    expected = F.interpolate(frames, scale_factor=factor, mode=mode, align_corners=False)
    assert torch.allclose(resampled, expected, atol=1e-12)
    weights = torch.randn_like(resampled)
    ours, theirs = (torch.autograd.grad((x * weights).sum(), frames)[0] for x in (resampled, expected))
    assert torch.allclose(ours, theirs, atol=1e-12)
    assert resampled.is_contiguous(memory_format=layout)
    assert ours.is_contiguous(memory_format=layout)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("frames", [2, 9, 40])
def test_doubling_in_time_by_a_product_is_exact(frames, dtype):
    x = torch.randn(2, 3, frames, 4, 4).to(dtype)
    now, between = x[:, :, 1:], (x[:, :, :-1] + x[:, :, 1:]) / 2
    doubled, _ = TemporalUpsample()(x)
    assert torch.equal(doubled[:, :, ::2], between)
    assert torch.equal(doubled[:, :, 1::2], now)


def test_halving_space_and_time_at_once_is_one_after_the_other():
    x = torch.randn(2, 8, 4, 8, 6).to(memory_format=torch.channels_last_3d)
    together, apart = downsample(x), temporal_downsample(spatial_downsample(x))
    assert (together - apart).abs().max() < 5e-7
    assert together.is_contiguous(memory_format=torch.channels_last_3d)
    assert apart.is_contiguous(memory_format=torch.channels_last_3d)


def test_the_last_frames_and_their_gradient_keep_the_layout():
    x = torch.randn(2, 3, 5, 4, 4).to(memory_format=torch.channels_last_3d).requires_grad_()
    assert last_frames(x, 5) is x
    assert torch.equal(last_frames(x, 2), x[:, :, 3:])
    (gradient,) = torch.autograd.grad(last_frames(x, 2).square().sum(), x)
    assert gradient.is_contiguous(memory_format=torch.channels_last_3d)
    assert torch.equal(gradient[:, :, 3:], 2 * x[:, :, 3:]) and not gradient[:, :, :3].any()


def test_a_convolution_of_one_voxel_is_that_of_torch_and_keeps_the_layout():
    conv = conv3d(6, 5, (1, 1, 1)).to(memory_format=torch.channels_last_3d)
    x = torch.randn(3, 6, 4, 7, 9).to(memory_format=torch.channels_last_3d)
    out = conv(x)
    assert (out - F.conv3d(x, conv.weight, conv.bias)).abs().max() < 2e-6
    assert out.is_contiguous(memory_format=torch.channels_last_3d)


class Calls(TorchDispatchMode):
    """Notes the name of every operation, and how many axes its first tensor has."""

    def __init__(self):
        super().__init__()
        self.seen = set()

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        axes = next((arg.ndim for arg in args if isinstance(arg, torch.Tensor)), 0)
        self.seen.add((operation.overloadpacket.__name__, axes))
        return operation(*args, **kwargs or {})


@pytest.mark.parametrize(
    ("apply", "on_a_cpu"),
    [
        (lambda clips: conv3d(3, 4, (1, 3, 3))(clips), ("convolution", 5)),
        (spatial_upsample, ("upsample_bilinear2d", 4)),
        (spatial_downsample, ("upsample_bilinear2d", 4)),
        (downsample, ("upsample_trilinear3d", 5)),
    ],
    ids=["convolution of single frames", "doubling", "halving", "halving of everything"],
)
def test_a_gpu_takes_forms_of_its_own(apply, on_a_cpu):
    seen = {}
    for device in ("cpu", "cuda"):
        with FakeTensorMode(), torch.device(device), Calls() as calls:
            shape = apply(torch.empty(2, 3, 4, 8, 8)).shape
        seen[device, tuple(shape)] = calls.seen
    assert len({shape for _, shape in seen}) == 1
    assert [on_a_cpu in names for names in seen.values()] == [True, False]
