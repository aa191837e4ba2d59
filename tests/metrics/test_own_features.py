"""Features learnt on clips: what they see, that a seed gives the same, and that what is kept is what was learnt."""

import numpy as np
import pytest
import torch

from videogan.metrics.distances import bootstrap, kernel_distance
from videogan.metrics.diversity import class_accuracy, copied_share, nearest, precision_recall_density_coverage
from videogan.metrics.own_features import LearningClips, OwnFeatures, learn, vary
from videogan.metrics.references import blur, halve_frame_rate
from videogan.metrics.sources import Batch
from videogan.preparation.synthetic import moving_shapes
from videogan.video import to_float

CPU = torch.device("cpu")


def drawn(first: int, count: int) -> Batch:
    videos = [moving_shapes(index, size=32, num_frames=8)[0] for index in range(first, first + count)]
    numbers = torch.arange(first, first + count)
    return Batch(to_float(np.stack(videos)), numbers % 3, numbers, numbers)


SEEN, UNSEEN = drawn(0, 72), drawn(72, 72)


@pytest.fixture(scope="module")
def net():
    return learn(LearningClips.of([SEEN]), steps=50)


def test_unseen_clips_are_like_seen_ones_and_half_a_pixel_of_blur_is_not(net):
    seen, unseen = net(SEEN.clips), net(UNSEEN.clips)
    low, high = bootstrap(kernel_distance, seen, unseen)
    assert low < 0.02 and high < 0.1
    for spoilt in (blur(UNSEEN.clips, 0.5), halve_frame_rate(UNSEEN.clips)):
        assert bootstrap(kernel_distance, seen, net(spoilt))[0] > high
    distances = [kernel_distance(seen, net(blur(UNSEEN.clips, sigma))) for sigma in (0.5, 1.0, 2.0)]
    assert distances == sorted(distances)


def test_what_is_missing_is_seen_in_recall_and_coverage(net):
    seen, unseen = net(SEEN.clips), net(UNSEEN.clips)
    whole = precision_recall_density_coverage(seen, unseen)
    one = precision_recall_density_coverage(seen, unseen[UNSEEN.labels == 0])
    assert one["precision"] > 0.7 and min(whole.values()) > 0.7
    # By how much depends on the processor: features learnt in 50 steps differ with its rounding.
    assert one["recall"] < whole["recall"] and one["coverage"] < whole["coverage"] - 0.05


def test_copies_are_no_novelty_and_unseen_clips_are(net):
    real, unseen, blurred = net(SEEN.clips), net(UNSEEN.clips), net(blur(SEEN.clips, 0.5))

    def distances(clips):
        return [nearest(clips[:, part], real[:, part])[0] for part in (slice(32), slice(35, 67))]

    others = distances(unseen)
    assert copied_share(distances(real), others) == 1 and copied_share(others, others) <= 0.05
    for own, soft, far in zip(distances(real), distances(blurred), others, strict=True):
        assert own.max() == 0 < soft.median() < far.median()


def bars(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Bars that run to the right (0) or to the left (1): single frames tell nothing."""
    draw = torch.Generator().manual_seed(seed)
    clips = torch.full((count, 8, 3, 16, 16), -1.0) + 0.1 * torch.rand(count, 8, 3, 16, 16, generator=draw)
    for clip, start in zip(clips, torch.randint(5, 10, (count,), generator=draw).tolist(), strict=True):
        for time, frame in enumerate(clip):
            frame[..., start - 4 + time] = 1
    clips[count // 2 :] = clips[count // 2 :].flip(1)
    return clips, torch.arange(count) * 2 // count


def test_which_way_things_move_is_learnt():
    clips, labels = bars(64, 0)
    net = learn(LearningClips.of([Batch(clips, labels, torch.arange(64), torch.arange(64))]), steps=60)
    others, right = bars(32, 1)
    assert class_accuracy(net(clips), labels, net(others), right, 2)["mean"] > 0.9
    assert class_accuracy(net(clips), labels, net(others), 1 - right, 2)["mean"] < 0.1


def test_a_seed_gives_the_same_features_whatever_the_threads_and_disturbs_no_other_draw():
    known = LearningClips.of([drawn(0, 12)])
    torch.manual_seed(5)
    undisturbed = torch.rand(3)
    states = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        torch.manual_seed(5)
        states.append(learn(known, steps=3).state_dict())
        assert torch.equal(torch.rand(3), undisturbed) and torch.get_num_threads() == threads
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())
    other = learn(known, steps=3, seed=1).state_dict()
    assert not torch.equal(other["content.code.weight"], states[0]["content.code.weight"])


@pytest.mark.parametrize("labels", [torch.full((6,), -1), torch.tensor([0, 0, 0, 1, -1, -1])])
def test_clips_of_one_video_and_without_classes_can_be_learnt(labels):
    clips = torch.rand(6, 2, 3, 8, 8) * 2 - 1
    net = learn(LearningClips.of([Batch(clips, labels, torch.zeros(6, dtype=torch.long), torch.arange(6))]), steps=2)
    assert net(clips).isfinite().all() and net(torch.zeros(1, 2, 3, 8, 8)).isfinite().all()


def test_a_clip_is_shifted_by_whole_pixels_and_keeps_its_shape():
    clips = torch.rand(8, 3, 3, 32, 32)
    assert vary(clips).shape == clips.shape


def test_what_was_learnt_is_kept_and_damage_is_learnt_anew(tmp_path):
    asked = []

    def batches():
        asked.append(1)
        return [drawn(0, 8)]

    own = OwnFeatures(CPU, "float32", steps=2)
    first = own.learn(batches, "key", cache_dir=tmp_path)
    again = own.learn(batches, "key", cache_dir=tmp_path)
    assert len(asked) == 1 and first.hash == again.hash
    assert torch.equal(first(SEEN.clips), again(SEEN.clips)) and first(SEEN.clips).shape == (72, first.dim)
    (file,) = (tmp_path / "features").iterdir()
    content = bytearray(file.read_bytes())
    content[-3] ^= 64
    file.write_bytes(content)
    assert own.learn(batches, "key", cache_dir=tmp_path).hash == first.hash and len(asked) == 2
    own.learn(batches, "another", cache_dir=tmp_path)
    assert len(asked) == 3


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(tmp_path):
    (tmp_path / "features").write_text("a file in the way")
    own = OwnFeatures(CPU, "float32", steps=1)
    assert own.learn(lambda: [drawn(0, 4)], "key", cache_dir=tmp_path).parts["content"] == slice(32)
