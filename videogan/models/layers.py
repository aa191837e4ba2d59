"""Building blocks of the networks.

Axes: ``b`` batch, ``c`` channels, ``t`` frames, ``h w`` pixels. Everything here is laid out ``b c t h w``.

Every block that looks back in time follows one convention. ``state`` holds the input frames that the block still
needs from before. With a state, ``n`` frames in give the frames of those ``n`` out, and the state moves on. Without
one (``None``), the input brings its own history: the output is shorter by the frames that had none before them. So
no output frame has ever seen padding in time, and training meets exactly the distribution that streaming runs under.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

AnyModule = TypeVar("AnyModule", bound=nn.Module)

LEAK = 0.2
LRELU_GAIN = (2 / (1 + LEAK**2)) ** 0.5
"""Weights this much larger keep the second moment through a leaky ReLU (He et al. 2015, "Delving deep into
rectifiers", eq. 15)."""


def activation(x: Tensor) -> Tensor:
    """Leaky ReLU; any shape."""
    return F.leaky_relu(x, LEAK)


def init_weights(module: AnyModule, *, gain: float = LRELU_GAIN) -> AnyModule:
    """Give one convolution or linear layer normal weights of standard deviation gain / sqrt(fan in) and no bias.

    The default gain suits a layer whose input comes from an activation; 1 suits any other.
    """
    weight, bias = module.weight, module.bias
    assert isinstance(weight, Tensor)
    nn.init.normal_(weight, std=gain * weight[0].numel() ** -0.5)
    if isinstance(bias, Tensor):
        nn.init.zeros_(bias)
    return module


class Conv3d(nn.Conv3d):
    """A 3D convolution that is as fast for one video as for many, and right for two frames.

    torch gives a batch of one in float32 on a CPU to a loop of its own, which takes three to ten times as long as
    oneDNN, to which it gives larger batches. Where no gradient is needed, oneDNN is asked for directly.

    A kernel of one voxel is a product of matrices: on a CPU torch's convolution would give its result channels
    outermost, and every convolution after it would bring them back. A kernel of one frame is a 2D convolution of all
    frames on a GPU, which is faster where frames are large (docs/log.md, 2026-11-27).

    oneDNN's bfloat16 gradient by the weights contains memory that was never written where exactly two frames are padded
    by one (seen with torch 2.14.1 on AVX-512 BF16; one, three and four frames are right). Padding them beforehand is
    the same convolution.
    """

    def _conv_forward(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if x.device.type == "cpu" and x.shape[2] == 2 and self.padding[0] == 1 and torch.is_autocast_enabled("cpu"):
            padded = F.pad(x, (0, 0, 0, 0, 1, 1))
            return F.conv3d(padded, weight, bias, self.stride, (0, *self.padding[1:]), self.dilation, self.groups)
        if self.kernel_size == (1, 1, 1) and not torch.compiler.is_compiling():
            return product(x, weight, bias)
        if x.is_cuda and self.kernel_size[0] == 1:
            assert not isinstance(self.padding, str)
            return convolve_frames(x, weight, bias, self.padding[1:])
        alone = x.shape[0] == 1 and x.device.type == "cpu" and x.dtype == weight.dtype == torch.float32
        if not alone or torch.is_grad_enabled() or torch.is_autocast_enabled("cpu") or torch.compiler.is_compiling():
            return super()._conv_forward(x, weight, bias)
        if not torch.backends.mkldnn.is_available():
            return super()._conv_forward(x, weight, bias)
        assert not isinstance(self.padding, str)
        return torch.mkldnn_convolution(x, weight, bias, self.padding, self.stride, self.dilation, self.groups)


def product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Convolve ``x (b c t h w)`` with a kernel of one voxel, ``weight (o c 1 1 1)``; channels stay innermost."""
    mixed = F.linear(rearrange(x, "b c t h w -> b t h w c"), weight.flatten(1), bias)
    return rearrange(mixed, "b t h w o -> b o t h w")


def convolve_frames(x: Tensor, weight: Tensor, bias: Tensor | None, padding: tuple[int, ...]) -> Tensor:
    """Convolve every frame of ``x (b c t h w)`` with ``weight (o c 1 k k)``; ``padding`` is of height and width."""
    frames = F.conv2d(rearrange(x, "b c t h w -> (b t) c h w"), weight.squeeze(2), bias, padding=padding)
    return rearrange(frames, "(b t) o h w -> b o t h w", b=x.shape[0])


def conv3d(in_channels: int, out_channels: int, kernel: tuple[int, int, int], *, gain: float = LRELU_GAIN) -> nn.Conv3d:
    """Return an initialised 3D convolution that pads space, never time."""
    padding = (0, kernel[1] // 2, kernel[2] // 2)
    return init_weights(Conv3d(in_channels, out_channels, kernel, padding=padding), gain=gain)


def linear(in_features: int, out_features: int, *, gain: float = LRELU_GAIN) -> nn.Linear:
    """Return an initialised linear layer."""
    return init_weights(nn.Linear(in_features, out_features), gain=gain)


def mlp(*features: int) -> nn.Sequential:
    """Return linear layers between the given widths, an activation after each."""
    layers: list[nn.Module] = []
    for number, (in_features, out_features) in enumerate(pairwise(features)):
        layers += [linear(in_features, out_features, gain=LRELU_GAIN if number else 1.0), Activation()]
    return nn.Sequential(*layers)


class Activation(nn.Module):
    """:func:`activation` as a module."""

    def forward(self, x: Tensor) -> Tensor:
        """Map a tensor of any shape element by element."""
        return activation(x)


class CausalConv3d(nn.Module):
    """A 3D convolution whose output frame t sees the input frames t - k + 1 ... t, k the kernel's extent in time."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: tuple[int, int, int], *, gain: float = LRELU_GAIN
    ) -> None:
        super().__init__()
        self.history = kernel[0] - 1
        self.conv = conv3d(in_channels, out_channels, kernel, gain=gain)

    def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Convolve ``x (b c t h w)``; the state is ``(b c history h w)``."""
        if state is not None and self.history:
            x = torch.cat([state, x], dim=2)
        return self.conv(x), x[:, :, x.shape[2] - self.history :]


class TemporalUpsample(nn.Module):
    """Doubles the frame rate by linear interpolation, causally: frame t gives (x[t-1] + x[t]) / 2 and x[t]."""

    history = 1
    doubling: Tensor
    lowered_doubling: Tensor

    def __init__(self) -> None:
        super().__init__()
        matrix = doubling_in_time(32)
        self.register_buffer("doubling", matrix, persistent=False)
        self.register_buffer("lowered_doubling", matrix.bfloat16(), persistent=False)

    def forward(self, x: Tensor, state: Tensor | None = None, count: int | None = None) -> tuple[Tensor, Tensor]:
        """Map ``b c t h w`` to twice the frames, or the last ``count``; the state is the last frame, ``(b c 1 h w)``.

        It is one product by a banded matrix whose entries are 0, 1/2 and 1, so that no rounding is added.
        """
        if state is not None:
            x = torch.cat([state, x], dim=2)
        batch, frames, height, width = x.shape[0], x.shape[2], *x.shape[3:]
        matrix = self.lowered_doubling if x.dtype == torch.bfloat16 else self.doubling
        if frames > matrix.shape[1]:
            matrix = doubling_in_time(frames, x.device)
        first = 0 if count is None else 2 * frames - 2 - count
        matrix = matrix[first : 2 * frames - 2, :frames].to(x.dtype).expand(batch, -1, -1)
        # Channels stay innermost in memory, as the convolutions around it want them.
        doubled = torch.bmm(matrix, rearrange(x, "b c t h w -> b t (h w c)"))
        return rearrange(doubled, "b t (h w c) -> b c t h w", h=height, w=width), x[:, :, -1:]


def doubling_in_time(frames: int, device: torch.device | str = "cpu") -> Tensor:
    """Return the matrix ``(2 frames - 2, frames)`` of :class:`TemporalUpsample`; smaller ones are its upper left."""
    moments = torch.arange(1, 2 * frames - 1, device=device) / 2
    return (1 - (moments[:, None] - torch.arange(frames, device=device)).abs()).clamp(min=0)


def spatial_upsample(x: Tensor) -> Tensor:
    """Double height and width of ``b c t h w`` bilinearly, frame by frame, in the dtype of x."""
    frames = resample(rearrange(x, "b c t h w -> (b t) c h w"), 2)
    return rearrange(frames, "(b t) c h w -> b c t h w", b=x.shape[0])


def spatial_downsample(x: Tensor) -> Tensor:
    """Halve height and width of ``b c t h w`` (even sizes) by averaging 2 x 2 pixels."""
    frames = resample(rearrange(x, "b c t h w -> (b t) c h w"), 0.5)
    return rearrange(frames, "(b t) c h w -> b c t h w", b=x.shape[0])


def enlarge(clips: Tensor) -> Tensor:
    """Double height and width of clips ``b t c h w`` bilinearly."""
    return resample(clips.flatten(0, 1), 2).unflatten(0, clips.shape[:2])


def shrink(clips: Tensor, size: int) -> Tensor:
    """Bring clips ``b t c h w`` down to frames of ``size`` pixels, a power of two below theirs or theirs, by means."""
    while clips.shape[-1] > size:
        clips = resample(clips.flatten(0, 1), 0.5).unflatten(0, clips.shape[:2])
    return clips


def resample(frames: Tensor, factor: float) -> Tensor:
    """Scale ``b c h w`` bilinearly, in its own dtype; at a factor of a half, the mean of 2 x 2 pixels exactly.

    For that mean, bilinear interpolation is twice as fast on a CPU as average pooling; autocast there would widen it to
    float32, which costs more than the convolutions beside it. On a GPU two products by a banded matrix and a mean over
    axes do the same: pooling and its gradient took a quarter of a step of ``gpu64`` (docs/benchmarks.md).
    """
    with torch.autocast(frames.device.type, enabled=False):
        if frames.is_cuda and factor == 0.5:
            return halve_by_means(frames)
        if frames.is_cuda and factor == 2:
            return double_by_products(frames)
        return F.interpolate(frames, scale_factor=factor, mode="bilinear", align_corners=False)


def halve_by_means(frames: Tensor) -> Tensor:
    """Halve ``b c h w`` (even sizes) by averaging 2 x 2 pixels; channels stay innermost, in the gradient too."""
    squares = rearrange(frames, "b c (h n) (w m) -> b h n w m c", n=2, m=2)
    return rearrange(squares.mean((2, 4)), "b h w c -> b c h w")


def double_by_products(frames: Tensor) -> Tensor:
    """Double ``b c h w`` bilinearly, as a product along the width and one along the height; channels stay innermost."""
    sides = {size: _doubling(size, frames) for size in frames.shape[2:]}
    height, width = (sides[size] for size in frames.shape[2:])
    wide = torch.matmul(width, rearrange(frames, "b c h w -> b h w c"))
    tall = torch.matmul(height, rearrange(wide, "b h w c -> b h (w c)"))
    return rearrange(tall, "b h (w c) -> b c h w", c=frames.shape[1])


def _doubling(size: int, like: Tensor) -> Tensor:
    """Return the matrix ``(2 size, size)`` that doubles a row of values bilinearly."""
    identity = torch.eye(size, device=like.device)[None]
    return F.interpolate(identity, scale_factor=2, mode="linear", align_corners=False)[0].T.to(like.dtype)


def blur(frames: Tensor) -> Tensor:
    """Smooth frames ``b t c h w`` by [1, 2, 1] / 4 along height and width, which removes any checkerboard exactly."""
    x = F.pad(frames.flatten(0, 1), (1, 1, 1, 1), mode="replicate")
    # Sums of shifted views: on a CPU ten times as fast as pooling.
    for _ in range(2):
        x = x[..., 1:] + x[..., :-1]
    for _ in range(2):
        x = x[..., 1:, :] + x[..., :-1, :]
    return (x / 16).unflatten(0, frames.shape[:2])


def temporal_downsample(x: Tensor) -> Tensor:
    """Halve the frame rate of ``b c t h w`` (an even number of frames) by averaging pairs of frames."""
    height, width = x.shape[3:]
    pairs = rearrange(x, "b c (t n) h w -> b t n (h w c)", n=2)
    # As a mean over an axis that lies outside, it leaves channels innermost in memory.
    return rearrange(pairs.mean(2), "b t (h w c) -> b c t h w", h=height, w=width)


def downsample(x: Tensor) -> Tensor:
    """Halve frame rate, height and width of ``b c t h w`` by averaging 2 x 2 x 2 values.

    Trilinear interpolation by a half is that mean. On a CPU it takes, with its gradient, a seventh to a third of the
    time of both halvings one after the other; on a GPU its gradient would add atomically.
    """
    if x.is_cuda:
        return downsample_by_means(x)
    with torch.autocast(x.device.type, enabled=False):
        return F.interpolate(x, scale_factor=0.5, mode="trilinear", align_corners=False)


def downsample_by_means(x: Tensor) -> Tensor:
    """Do what :func:`downsample` does as a mean over axes; channels stay innermost, in the gradient too."""
    with torch.autocast(x.device.type, enabled=False):
        cubes = rearrange(x, "b c (t k) (h n) (w m) -> b t k h n w m c", k=2, n=2, m=2)
        return rearrange(cubes.mean((2, 4, 6)), "b t h w c -> b c t h w")


def last_frames(x: Tensor, count: int) -> Tensor:
    """Return the last ``count`` frames of ``b c t h w``."""
    if x.shape[2] == count:  # a slice of everything would cost a copy in its gradient
        return x
    # The gradient of a slice is laid out as the axes stand: so channels stay innermost in it.
    last = rearrange(x, "b c t h w -> b t h w c")[:, x.shape[2] - count :]
    return rearrange(last, "b t h w c -> b c t h w")


def steps_for_frames(histories: Sequence[Sequence[int]], frames: int) -> tuple[int, list[int]]:
    """Return how many latent steps a decoder needs for its last ``frames`` frames, without a state.

    Besides, how many frames the block of each stage needs. ``histories`` lists each stage's frames of state; more than
    one means that the stage doubles the frame rate before its block.
    """
    blocks = []
    for stage in reversed(histories):
        frames += stage[-1]
        blocks.append(frames)
        if len(stage) > 1:
            frames = -(-frames // 2) + stage[0]
    return frames, blocks[::-1]
