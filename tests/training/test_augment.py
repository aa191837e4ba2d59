import pytest
import torch

from videogan.config import AugmentConfig
from videogan.training.augment import Draw, _translate, augment, draw_augmentation, draw_mirrored, mirror, sources


def draw(shift_y=0, shift_x=0, **changes) -> Draw:
    neutral = {
        "rows": sources(torch.tensor([shift_y]), 8),
        "columns": sources(torch.tensor([shift_x]), 8),
        "brightness": torch.zeros(1),
        "saturation": torch.ones(1),
        "contrast": torch.ones(1),
    }
    return Draw(**neutral | changes)


CLIP = torch.rand(1, 4, 3, 8, 8)


def test_a_neutral_draw_changes_nothing():
    assert torch.allclose(augment(CLIP, draw()), CLIP, atol=1e-6)


def test_shifts_move_pixels_and_repeat_edges():
    moved = augment(CLIP, draw(shift_y=2, shift_x=-1))
    assert torch.allclose(moved[..., :-2, 1:], CLIP[..., 2:, :-1], atol=1e-6)
    assert torch.allclose(moved[..., -1, 1:], CLIP[..., -1, :-1], atol=1e-6)


@pytest.mark.parametrize("name", ["brightness", "saturation", "contrast"])
def test_every_frame_of_a_clip_is_changed_alike(name):
    still = CLIP[:, :1].expand(-1, 4, -1, -1, -1)
    changed = augment(still, draw(**{name: torch.tensor([0.5])}))
    assert not torch.allclose(changed, still)
    assert torch.allclose(changed, changed[:, :1].expand_as(changed), atol=1e-6)


def test_zero_saturation_is_grey_and_zero_contrast_is_flat():
    grey = augment(CLIP, draw(saturation=torch.tensor([0.0])))
    assert torch.allclose(grey, grey.mean(2, keepdim=True).expand_as(grey), atol=1e-6)
    flat = augment(CLIP, draw(contrast=torch.tensor([0.0])))
    assert torch.allclose(flat, CLIP.mean().expand_as(flat), atol=1e-5)


def test_gradients_pass():
    clip = CLIP.clone().requires_grad_()
    augment(clip, draw(shift_x=3)).sum().backward()
    assert clip.grad is not None
    assert clip.grad.abs().sum() > 0


def test_one_draw_per_clip_with_the_configured_probability():
    config = AugmentConfig(probability=0.25)
    drawn = draw_augmentation(4000, 32, config, torch.Generator().manual_seed(0))
    touched = (drawn.brightness != 0).float().mean().item()
    assert touched == pytest.approx(0.25, abs=0.03)
    shifts = drawn.columns - torch.arange(32)
    assert 0 < shifts.abs().max() <= 0.125 * 32
    assert drawn.rows.shape == drawn.columns.shape == (4000, 32)
    assert all(value.shape == (4000,) for value in drawn[2:])
    never = draw_augmentation(50, 32, AugmentConfig(probability=0), torch.Generator().manual_seed(0))
    assert (never.rows == torch.arange(32)).all()
    assert not never.brightness.any()


def test_mirror_is_a_function_of_seed_step_and_place():
    clips = torch.rand(64, 2, 3, 4, 4)
    mirrored = mirror(clips, draw_mirrored(64, seed=1, step=5))
    flipped = torch.tensor([not torch.equal(a, b) for a, b in zip(clips, mirrored, strict=True)])
    assert 16 < flipped.sum() < 48
    assert torch.equal(mirrored[flipped], clips[flipped].flip(-1))
    assert torch.equal(mirrored, mirror(clips, draw_mirrored(64, seed=1, step=5)))
    assert torch.equal(mirrored[40:], mirror(clips[40:], draw_mirrored(24, seed=1, step=5, first=40)))
    assert not torch.equal(mirrored, mirror(clips, draw_mirrored(64, seed=1, step=6)))


def test_shifts_of_a_batch_take_the_pixels_of_a_padded_clip():
    clips, shifts = torch.rand(5, 2, 3, 8, 8), torch.tensor([[0, 0], [3, -2], [-8, 8], [1, 0], [-1, -7]])
    moved = _translate(clips, *(sources(shift, 8) for shift in shifts.T))
    padded = torch.nn.functional.pad(clips, (8, 8, 8, 8, 0, 0), mode="replicate")
    for clip, big, (y, x) in zip(moved, padded, shifts.tolist(), strict=True):
        assert torch.equal(clip, big[..., 8 + y : 16 + y, 8 + x : 16 + x])


def test_colours_change_as_written_out():
    clips, source = torch.rand(6, 2, 3, 8, 8) * 2 - 1, torch.Generator().manual_seed(1)
    drawn = draw_augmentation(6, 8, AugmentConfig(probability=1, translation=0), source)
    brightness, saturation, contrast = (value[:, None, None, None, None] for value in drawn[2:])
    grey = clips.mean(2, keepdim=True)
    coloured = grey + (clips - grey) * saturation
    mean = coloured.mean((1, 2, 3, 4), keepdim=True)
    expected = mean + (coloured - mean) * contrast + brightness
    assert (augment(clips, drawn) - expected).abs().max() < 1e-6
