import copy

import pytest
import torch
from tiny_run import real_batch, run_step, tiny_config, tiny_state

from videogan import presets
from videogan.errors import UsageError
from videogan.models.build import build_discriminators
from videogan.models.discriminator import DiscriminatorInput
from videogan.models.projected_discriminator import moved
from videogan.training.draws import draw_step
from videogan.training.objective import judge
from videogan.training.step import step_input, update

WEIGHT = "projected_discriminator.weight=1"
CONFIG = tiny_config(WEIGHT, "projected_discriminator.head_channels=8", "projected_discriminator.size=64")


def some_clips(batch: int = 3) -> DiscriminatorInput:
    order = torch.stack([torch.randperm(8) for _ in range(batch)])
    return DiscriminatorInput(torch.randn(batch, 8, 3, 32, 32).clamp(-1, 1), torch.arange(batch) % 2, order)


def test_there_is_none_without_a_weight():
    assert "projected" not in build_discriminators(tiny_config(), 0)


@pytest.mark.parametrize("seen", [1, 2])
def test_its_logits_are_those_of_places_of_the_frames_that_it_looks_at_and_of_nothing_else(seen):
    config = presets.change(CONFIG, {"projected_discriminator.num_frames": seen})
    discriminator = build_discriminators(config, 2)["projected"].eval()
    x = some_clips()
    logits = discriminator(x).logits
    places = sum((64 // stride) ** 2 for stride in (8, 16, 32))
    assert logits.shape == (3, seen * places)
    assert torch.allclose(discriminator(x.first(1)).logits, logits[:1], atol=1e-4)
    unseen = x.clips.clone()
    for clip, order in zip(unseen, x.frame_order, strict=True):
        clip[order[seen:]] = 0
    assert torch.equal(discriminator(x._replace(clips=unseen)).logits, logits)
    assert (discriminator(x._replace(clips=-x.clips)).logits - logits).abs().max() > 0.01


def test_its_heads_see_how_much_clips_of_a_group_differ_and_nothing_of_other_groups():
    config = presets.change(CONFIG, {"projected_discriminator.minibatch_std": 2, "train.batch_size": 4})
    discriminator = build_discriminators(config, 2)["projected"].eval()
    x = some_clips(4)
    logits = discriminator(x).logits
    alike = x._replace(clips=x.clips[[0, 0, 2, 3]], frame_order=x.frame_order[[0, 0, 2, 3]])
    changed = (discriminator(alike).logits - logits).abs().amax(dim=1)
    assert changed[0] > 1e-3 > 1e-4 > changed[2:].max()  # the first clip is the same, beside one like it
    assert torch.allclose(discriminator(x.first(2)).logits, logits[:2], atol=1e-4)
    assert discriminator(x.first(3)).logits.isfinite().all()


def test_the_spread_of_a_head_is_the_standard_deviation_over_clips():
    config = presets.change(CONFIG, {"projected_discriminator.minibatch_std": 2, "train.batch_size": 4})
    head = build_discriminators(config, 2)["projected"].heads[0]
    clips, frames = 4, 3
    x = torch.randn(clips * frames, 5, 2, 2)
    spread = head._spread(x, frames).view(clips, frames, 5)
    for clip in range(clips):
        pair = x.view(clips, frames, 5, 2, 2)[clip // 2 * 2 : clip // 2 * 2 + 2]
        expected = (pair[0] - pair[1]).abs() / 2
        assert torch.allclose(spread[clip], expected.mean(dim=(2, 3)), atol=0.01)


@pytest.mark.parametrize(("clips", "size"), [(8, 4), (6, 3), (2, 2), (5, 1)])
def test_groups_are_as_large_as_divides_the_batch(clips, size):
    config = presets.change(CONFIG, {"projected_discriminator.minibatch_std": 4})
    head = build_discriminators(config, 2)["projected"].heads[0]
    groups = head._spread(torch.randn(clips, 5, 2, 2), 1).unique(dim=0)
    assert len(groups) == (clips // size if size > 1 else 1)  # of one clip nothing differs, in all of them


def test_a_group_of_one_clip_is_refused():
    with pytest.raises(UsageError, match="minibatch_std = 1: must be 0"):
        presets.change(CONFIG, {"projected_discriminator.minibatch_std": 1})


def test_generated_clips_are_in_no_group_with_real_ones():
    config = presets.change(CONFIG, {"projected_discriminator.minibatch_std": 4, "frame_discriminator.weight": 0})
    discriminators = {name: one.eval() for name, one in build_discriminators(config, 2).items()}
    real, fake = some_clips(6), some_clips(6)
    outputs = judge(discriminators, [real, fake, real.first(2), fake.first(2)])["projected"]
    other = judge(discriminators, [real, real, real.first(2), fake.first(2)])["projected"]
    assert torch.equal(outputs.real.logits, other.real.logits)
    assert not torch.equal(outputs.fake.logits, other.fake.logits)
    assert outputs.perturbed_real is None


def test_frames_are_moved_by_up_to_a_twelfth_each_by_its_own_shift_and_edges_are_repeated():
    frames = torch.arange(24 * 24.0).view(1, 1, 24, 24).repeat(3, 2, 1, 1)
    still, up_right, down_left = moved(frames, torch.tensor([[0.5, 0.5], [0.0, 0.99], [0.99, 0.0]]))
    assert torch.equal(still, frames[0])
    assert torch.equal(up_right[:, :-2, 2:], frames[0, :, 2:, :-2])
    assert torch.equal(up_right[:, -3:, 5], frames[0, :, -1:, 3].expand(-1, 3))
    assert torch.equal(down_left[:, 2:, :-2], frames[0, :, :-2, 2:])


def test_a_shift_that_comes_with_the_clips_is_heeded():
    discriminator, x = build_discriminators(CONFIG, 2)["projected"].eval(), some_clips()
    plain = discriminator(x).logits
    assert torch.equal(discriminator(x._replace(shift=torch.full((3, 2), 0.5))).logits, plain)
    shifted = x._replace(shift=torch.tensor([[0.5, 0.5], [0.0, 0.5], [0.5, 0.5]]))
    differs = (discriminator(shifted).logits - plain).abs().amax(dim=1)
    assert differs[1] > 1e-3 > differs[[0, 2]].max()
    both = DiscriminatorInput.cat([shifted, shifted.first(1)])
    assert torch.equal(both.shift, torch.cat([shifted.shift, shifted.shift[:1]]))


def test_what_is_frozen_is_no_part_of_the_state_and_goes_where_the_network_goes():
    discriminator = build_discriminators(CONFIG, 2)["projected"]
    assert {name.split(".")[0] for name in discriminator.state_dict()} == {"heads"}
    copied = copy.deepcopy(discriminator).to("meta")
    assert all(parameter.is_meta for parameter in copied._frozen[0].parameters())
    assert not any(parameter.is_meta for parameter in discriminator._frozen[0].parameters())


def test_training_reaches_heads_and_frames_and_leaves_the_frozen_network_alone():
    state = tiny_state(CONFIG)
    discriminator = state.networks.discriminators["projected"]
    before = [p.clone() for p in discriminator.parameters()]
    frozen = [p.clone() for p in discriminator._frozen[0].parameters()]
    losses = run_step(state, CONFIG, 250)
    assert {"projected_loss", "projected_centring", "generator_projected"} <= set(losses)
    assert not {"projected_r1", "projected_r2", "projected_auxiliary"} & set(losses)
    learnt = zip(before, discriminator.parameters(), strict=True)
    assert not any(torch.equal(old, new) for old, new in learnt)
    assert all(torch.equal(old, new) for old, new in zip(frozen, discriminator._frozen[0].parameters(), strict=True))
    x = some_clips(1)
    frames = x.clips.requires_grad_()
    discriminator(x).logits.sum().backward()
    assert frames.grad.abs().amax(dim=(0, 2, 3, 4)).nonzero().flatten().tolist() == sorted(
        x.frame_order[0, :2].tolist()
    )


def test_its_weight_for_the_generator_grows_from_nothing():
    judged = [run_step(tiny_state(CONFIG), CONFIG, step)["generator_projected"].item() for step in (0, 250, 500)]
    assert judged[0] == 0
    assert 0.4 < judged[1] / judged[2] < 0.6
    at_once = tiny_config(WEIGHT, "projected_discriminator.warmup_steps=0")
    assert run_step(tiny_state(at_once), at_once, 0)["generator_projected"] > 0


def test_the_generator_is_judged_on_other_moves_than_the_discriminators_learn():
    def losses(first: float, second: float) -> dict[str, float]:
        state = tiny_state(CONFIG)
        real, labels = real_batch(CONFIG, 250)
        draws = draw_step(CONFIG, state.networks.generator, labels, step=250, device=torch.device("cpu"))
        learners = state.networks, state.optimizers
        shifts = torch.tensor([first, second]).view(1, 2, 1).expand(len(real), 2, 2)
        x = step_input(state.networks.generator, real, labels, draws._replace(shifts=shifts))
        return {name: value.item() for name, value in update(*learners, x, draws.updates, CONFIG).items()}

    same, other, both = losses(0.5, 0.5), losses(0.5, 0.0), losses(0.0, 0.0)
    assert same["projected_loss"] == other["projected_loss"] != both["projected_loss"]
    assert same["generator_projected"] != other["generator_projected"]


def test_any_discriminator_can_come_in_step_by_step():
    config = tiny_config("clip_discriminator.warmup_steps=10")
    judged = run_step(tiny_state(config), config, 0)
    assert judged["generator_clip"] == 0 < judged["generator_frame"]


def test_in_bfloat16_it_says_nearly_the_same():
    discriminator, x = build_discriminators(CONFIG, 2)["projected"].eval(), some_clips()
    with torch.no_grad():
        exact = discriminator(x).logits
        with torch.autocast("cpu", torch.bfloat16):
            lower = discriminator(x).logits
    assert lower.dtype == torch.float32
    assert (lower - exact).abs().max() < 0.1 * exact.std() + 0.05
