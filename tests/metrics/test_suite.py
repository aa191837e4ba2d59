from dataclasses import replace

import pytest
import torch

from videogan.errors import UsageError
from videogan.metrics.feature_net import FeatureNet
from videogan.metrics.measure import Measured
from videogan.metrics.suite import Sets, choose_metrics, match_labels, run_metrics

NET = FeatureNet(
    "six numbers",
    1536,
    lambda clips: clips,
    weights="none",
    resize="none",
    device=torch.device("cpu"),
    precision="float32",
    parts={"content": slice(3), "motion": slice(3, None)},
)
BASIC = choose_metrics(None, has_model=False)


def measured(n, seed, *, shift=0.0, groups=None):
    draw = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 2
    features = torch.randn(n, 6, generator=draw) + shift
    features[:, 0] += 4 * labels
    return Measured(
        features=features,
        thumbnails=torch.rand(n, 4, 3, 8, 8, generator=draw),
        energy=torch.rand(n, generator=draw) + 0.5 + shift,
        frozen=torch.zeros(n),
        sharpness=torch.rand(n, generator=draw) + 1 + shift,
        labels=labels,
        groups=torch.arange(n) if groups is None else groups,
        indices=torch.arange(n),
    )


def sets(fake, n=60):
    real = measured(n, seed=0)
    return Sets(real, fake, real.halves(0), NET, ("left", "right"), seed=0)


def test_a_like_set_is_at_the_floor_and_a_shifted_one_is_not():
    like, warnings = run_metrics(sets(measured(60, seed=1)), BASIC)
    far, _ = run_metrics(sets(measured(60, seed=1, shift=2.0)), BASIC)
    assert like["kernel_distance"].interval[0] < like["kernel_distance"].value < like["kernel_distance"].interval[1]
    assert like["kernel_distance"].interval[0] < 0 < like["kernel_distance"].interval[1]
    assert far["kernel_distance"].interval[0] > like["kernel_distance"].interval[1]
    assert like["class_accuracy_left"].value > 0.8 and like["class_accuracy_mean"].real_vs_real > 0.9
    assert like["coverage"].value > 0.8 > far["coverage"].value
    assert far["motion_energy_ratio"].value > 2 > like["motion_energy_ratio"].value
    assert like["Frechet distance on six numbers"].value < far["Frechet distance on six numbers"].value
    assert [text for text in warnings if text.startswith("frechet: 60 clips are too few for 1536 dimensions")]


def test_copies_of_the_real_set_and_of_one_clip_are_seen():
    real = measured(60, seed=0)
    copied, _ = run_metrics(sets(real), ("novelty",))
    for name in ("novelty_content", "novelty_motion"):
        assert copied[name].value == 0 < 0.5 < copied[name].real_vs_real
    assert copied["copied_share"].value == 1 and copied["copied_share"].real_vs_real <= 0.05
    fresh, _ = run_metrics(sets(measured(60, seed=1)), ("novelty",))
    assert fresh["copied_share"].value < 0.2 and fresh["novelty_content"].value > 0.3
    same = real.part(torch.zeros(60, dtype=torch.long))
    same = Measured(**{**same.tensors(), "groups": torch.arange(60)})
    repeated, _ = run_metrics(sets(same), ("diversity",))
    assert repeated["duplicate_share"].value == 1 and repeated["duplicate_share"].real_vs_real == 0
    assert repeated["pairwise_distance"].value == 0


def test_what_varies_less_within_a_class_and_is_softer_is_seen():
    base = sets(measured(60, seed=1))
    fake = replace(base.fake, thumbnails=base.fake.thumbnails / 2, sharpness=base.fake.sharpness / 3)
    rows, _ = run_metrics(replace(base, fake=fake), ("variety",))
    for name in ("variance_within_class_ratio", "variance_within_class_of_mean_frames_ratio"):
        assert rows[name].value == pytest.approx(0.25, rel=0.1) and rows[name].real_vs_real == pytest.approx(1, rel=0.2)
    assert rows["sharpness_ratio"].value == pytest.approx(1 / 3, rel=0.1)
    one_hue = replace(base.fake, thumbnails=base.fake.labels[:, None, None, None, None].expand(60, 4, 3, 8, 8).float())
    rows, _ = run_metrics(replace(base, fake=one_hue), ("variety",))
    assert rows["class_share_of_colour"].value == pytest.approx(1) and rows["class_share_of_colour"].real_vs_real < 0.2


def test_clips_of_one_video_are_no_duplicates():
    real = measured(60, seed=0)
    twice = real.part(torch.arange(60) // 2 * 2)
    rows, _ = run_metrics(sets(twice), ("diversity",))
    assert rows["duplicate_share"].value == 0


def test_too_few_clips_cost_the_metric_and_not_the_report():
    rows, warnings = run_metrics(sets(measured(4, seed=1)), ("precision", "kernel"))
    assert set(rows) == {"kernel_distance"}
    assert any("need more than 5 clips" in text for text in warnings)


def test_labels_are_matched_by_name():
    fake = match_labels(measured(4, seed=0), ("right", "up"), ("left", "right"))
    assert fake.labels.tolist() == [1, -1, 1, -1]
    rows, warnings = run_metrics(sets(match_labels(measured(4, seed=0), ("x", "y"), ("left", "right"))), ("classes",))
    assert not rows and "has no classes" in warnings[0]


def test_names_of_metrics():
    assert "long" in choose_metrics(None, has_model=True)
    assert "long" not in choose_metrics(None, has_model=False)
    assert choose_metrics(["kernel", "motion"], has_model=True) == ("kernel", "motion")
    with pytest.raises(UsageError, match="did you mean 'kernel'"):
        choose_metrics(["kernal"], has_model=True)
    with pytest.raises(UsageError, match="long needs a model"):
        choose_metrics(["long"], has_model=False)
    with pytest.raises(UsageError, match="paired needs"):
        choose_metrics(["paired"], has_model=True)


def paired(*pairs, lpips=None):
    base = sets(measured(4, seed=1))
    return run_metrics(replace(base, pairs=pairs, lpips=lpips), ["paired"])


def test_pairs_are_averaged_and_none_costs_the_metric():
    clip = torch.rand(2, 3, 32, 32) * 2 - 1
    rows, _ = paired(torch.stack((clip, clip + 0.2)), torch.stack((clip, clip - 0.02)))
    assert rows["psnr"].value == pytest.approx((20 + 40) / 2, abs=0.01)
    assert rows["ssim"].value < 1 and set(rows) == {"psnr", "ssim"}
    rows, warnings = paired()
    assert not rows and "no generated video has the name" in warnings[0]


def test_pairs_with_a_perceptual_distance():
    clip = torch.rand(2, 3, 32, 32) * 2 - 1
    rows, _ = paired(torch.stack((clip, clip + 0.5)), lpips=lambda a, b: float((a - b).abs().mean()))
    assert rows["lpips"].value == pytest.approx(0.5, rel=1e-4)


def long_rows(late, base):
    return run_metrics(replace(base, late=lambda: late), ["long"])[0]


def test_long_videos_that_freeze_or_change_are_seen():
    base = sets(measured(60, seed=1, shift=0.5))
    early = base.fake.part(torch.arange(20) * 3)  # as a generator's source spreads them over the classes
    same = long_rows(early, base)
    assert same["long_drift"].value == 0 and same["kernel_distance_late_over_early"].value == pytest.approx(1)
    assert same["motion_energy_ratio_frames_1000_1004"].value == same["motion_energy_ratio_frames_0_4"].value
    frozen = Measured(**{**early.tensors(), "energy": torch.zeros(20)})
    assert long_rows(frozen, base)["motion_energy_ratio_frames_1000_1004"].value == 0
    gone = long_rows(measured(20, seed=2, shift=3.0), base)
    assert gone["long_drift"].value > 0.9
    assert gone["kernel_distance_late_over_early"].value > 2


def test_the_order_of_the_clips_changes_no_figure():
    real, fake = measured(60, seed=0), measured(40, seed=1, shift=0.5)
    halves, mixed = real.halves(0), torch.randperm(40, generator=torch.Generator().manual_seed(9))
    one, other = (
        run_metrics(Sets(real, part, halves, NET, ("left", "right"), seed=0), BASIC)[0]
        for part in (fake, fake.part(mixed))
    )
    for name, row in one.items():
        assert row.value == pytest.approx(other[name].value, rel=1e-5, abs=1e-9), name
