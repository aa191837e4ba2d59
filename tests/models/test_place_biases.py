"""Biases by place: where they act, how fast they learn, and that they begin without an effect."""

import pytest
import torch
from tiny_run import tiny_config

from videogan.models.generator import Generator
from videogan.models.latents import Latents

BURN_IN = 3


def draw(generator: Generator, steps: int) -> Latents:
    noise = torch.randn(2, 1 + BURN_IN + generator.context_steps + steps, generator.noise_dim)
    return Latents(torch.randn(2, generator.content_dim), noise)


def test_biases_by_place_learn_at_a_multiple_of_the_rate():
    """A step of Adam is as long as the rate, whatever the gradient; what is added moves by the multiple of it."""
    rate, moved = 0.01, []
    for multiplier in (1.0, 0.1):
        settings = ("generator.place_until=4", f"generator.place_lr_multiplier={multiplier}")
        generator = Generator(tiny_config(*settings).generator, size=32, num_classes=0)
        with torch.no_grad():
            torch.nn.init.constant_(generator.stages[0].refine.weight, 0.05)
        added = []
        generator.stages[0].style.register_forward_hook(lambda _, inputs, style: torch.zeros_like(style))
        generator.stages[0].spread.register_forward_pre_hook(lambda _, inputs, added=added: added.append(inputs[0]))
        generator.stages[0].change.register_forward_hook(lambda _, inputs, x: torch.zeros_like(x))
        optimizer = torch.optim.Adam([generator.stages[0].place], lr=rate)
        latents = draw(generator, 2)
        generator(latents, burn_in=BURN_IN).frames.sum().backward()
        optimizer.step()
        generator(latents, burn_in=BURN_IN)
        moved.append(added[1].abs().max().item())
    assert moved == pytest.approx([rate, 0.1 * rate], rel=1e-3)


def test_biases_by_place_begin_without_effect_and_act_where_they_lie():
    plain, placed = (
        Generator(tiny_config(f"generator.place_until={until}").generator, size=32, num_classes=0) for until in (0, 8)
    )
    shapes = [tuple(stage.place.shape[-2:]) for stage in placed.stages if stage.place is not None]
    assert shapes == [(4, 4), (8, 8)]
    with torch.no_grad():
        for generator in (plain, placed):
            for stage in generator.stages:
                torch.nn.init.constant_(stage.refine.weight, 0.05)
    missing = placed.load_state_dict(plain.state_dict(), strict=False)
    assert missing.missing_keys == ["stages.0.place", "stages.1.place"] and not missing.unexpected_keys
    latents = draw(plain, 2)
    with torch.no_grad():
        before = plain(latents, burn_in=BURN_IN).frames
        assert torch.equal(before, placed(latents, burn_in=BURN_IN).frames)
        placed.stages[1].place[..., 0, 0] = 1.0
        change = (placed(latents, burn_in=BURN_IN).frames - before).abs().amax(dim=(0, 1, 2))
    assert change[:4, :4].min() > 0 and change[28:, 28:].max() == 0
