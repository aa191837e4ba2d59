import pytest
import torch
from tiny_run import real_batch, run_step, tiny_config, tiny_state

from videogan.training.draws import draw_step
from videogan.training.judging import Evidence, judge_together
from videogan.training.penalties import penalty_terms, perturbed


def terms(config, step: int = 0, contrast: float = 1.0) -> dict[str, float]:
    state = tiny_state(config)
    real, labels = real_batch(config, step)
    draws = draw_step(config, state.networks.generator, labels, step=step, device=torch.device("cpu"))
    parts = [Evidence(real * contrast, labels, draws.frames), Evidence(-real * contrast, labels, draws.frames)]
    judgements = judge_together(state.networks, [*parts, *perturbed(*parts, draws, config)])
    found = penalty_terms(state.networks, *parts, judgements, draws, config)
    return {name: value.item() for name, value in found.items()}


def test_finite_differences_are_near_the_exact_slopes():
    common = ("penalty.share=1", "train.batch_size=64", "frame_discriminator.num_frames=1")
    exact = terms(tiny_config("penalty.kind=exact", *common))
    near = terms(tiny_config("penalty.kind=finite-difference", "penalty.sigma=0.003", *common))
    assert set(exact) == set(near) == {"frame_r1", "frame_r2", "clip_r1", "clip_r2"}
    for name, value in exact.items():
        assert near[name] == pytest.approx(value, rel=0.6), name  # a mean of 64 squared normals


def test_a_slope_is_that_of_one_logit_however_many_frames_are_judged():
    one, two = (terms(tiny_config("penalty.kind=exact", f"frame_discriminator.num_frames={n}")) for n in (1, 2))
    assert two["frame_r1"] < 1.5 * one["frame_r1"]


@pytest.mark.parametrize("kind", ["finite-difference", "exact", "wgan-gp"])
def test_a_lazy_penalty_comes_rarely_and_as_much_stronger(kind):
    every = terms(tiny_config(f"penalty.kind={kind}"), step=4)
    lazy = tiny_config(f"penalty.kind={kind}", "penalty.interval=4")
    for name, value in terms(lazy, step=4).items():
        assert value == pytest.approx(4 * every[name], rel=1e-4)
    assert terms(lazy, step=5) == {}
    state = tiny_state(lazy)
    assert not [name for name in run_step(state, lazy, 5) if name.endswith(("_r1", "_penalty"))]


def test_relative_weights_follow_the_contrast_of_the_clips():
    relative, absolute = tiny_config("penalty.kind=exact"), tiny_config("penalty.kind=exact", "penalty.scale=absolute")
    full, faint = (
        {n: terms(c, contrast=x)["clip_r1"] for n, c in (("r", relative), ("a", absolute))} for x in (1, 0.5)
    )
    assert faint["r"] / faint["a"] == pytest.approx(full["r"] / full["a"] / 4, rel=1e-3)


def test_no_penalty():
    assert terms(tiny_config("penalty.kind=none")) == {}
