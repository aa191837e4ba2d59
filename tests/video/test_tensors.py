import numpy as np
import pytest
import torch
from einops import rearrange

from videogan.video import to_float, to_uint8


@pytest.mark.parametrize("lead", [(), (5,), (2, 5)])
def test_there_and_back(lead: tuple[int, ...]) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (*lead, 6, 8, 3), np.uint8)
    clip = to_float(frames)
    assert clip.shape == (*lead, 3, 6, 8)
    assert clip.dtype == torch.float32
    assert np.array_equal(to_uint8(clip), frames)
    assert torch.equal(to_float(torch.from_numpy(frames)), clip)


def test_range_rounding_and_clamping() -> None:
    assert to_float(np.array([[[0, 127, 255]]], np.uint8)).flatten().tolist() == pytest.approx([-1, -1 / 255, 1])
    clip = torch.tensor([-9.0, -1.0, -0.999, 0.0, 0.999, 1.0, 9.0]).reshape(7, 1, 1)
    assert to_uint8(clip).flatten().tolist() == [0, 0, 0, 128, 255, 255, 255]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_any_float(dtype: torch.dtype) -> None:
    clip = torch.linspace(-1, 1, 48, dtype=dtype, requires_grad=True).reshape(3, 4, 4)
    frames = to_uint8(clip)
    assert frames.shape == (4, 4, 3)
    assert frames.flags.c_contiguous
    assert np.abs(frames.astype(float) - to_uint8(clip.double())).max() <= 1


def test_arrays_that_are_not_contiguous() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (4, 6, 8, 3), np.uint8)
    assert torch.equal(to_float(frames[:, ::2].copy()), to_float(np.ascontiguousarray(frames[:, ::2])))
    assert torch.equal(to_float(frames[:, ::-1]), to_float(frames).flip(2))


def test_channels_may_stay_innermost_in_memory():
    frames = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 3, 6, 8, 3), np.uint8))
    clip = to_float(frames, planar=False)
    assert torch.equal(clip, to_float(frames))
    assert clip.stride() == rearrange(frames, "b t h w c -> b t c h w").stride()
    assert to_float(frames).is_contiguous()
