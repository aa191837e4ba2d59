import shutil
from fractions import Fraction

import numpy as np
import pytest
import torch
from read_video import read_video
from tiny_run import tiny_config

from videogan.data.folder import scan_folder
from videogan.errors import DataError
from videogan.generation.sampling import stream, take
from videogan.metrics.sources import ClipRule, FolderSource, GeneratorSource, choose, labels_in_proportion, read_clip
from videogan.models.build import build_generator
from videogan.video import VideoWriter


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Three videos of 12, 6 and 3 frames; frame t is grey of level 20 t."""
    root = tmp_path_factory.mktemp("videos")
    for name, frames in (("a", 12), ("b", 6), ("c", 3)):
        with VideoWriter(root / f"{name}.mp4", frame_rate=Fraction(12)) as writer:
            levels = np.arange(frames, dtype=np.uint8) * 20
            writer.write(np.broadcast_to(levels[:, None, None, None], (frames, 32, 32, 3)).copy())
    return root


def scan(root, tmp_path):
    return scan_folder(root, cache_dir=tmp_path / "cache")


def test_the_choice_is_even_without_repetition_and_only_the_seed_decides():
    picks = choose([100, 50, 2, 0], 32, seed=3)
    assert picks == choose([100, 50, 2, 0], 32, seed=3) != choose([100, 50, 2, 0], 32, seed=4)
    assert len(set(picks)) == 32
    assert [sum(video == v for video, _ in picks) for v in range(4)] == [15, 15, 2, 0]
    assert len(choose([3, 1], 100, seed=0)) == 4


def test_clips_are_the_frames_of_the_video_at_the_stride(videos, tmp_path):
    folder = scan(videos, tmp_path)
    source = FolderSource(folder, ClipRule(32, 4, 2, short="skip"), clips=5, seed=0)
    assert source.frame_rate == 6
    (batch,) = source.batches()
    assert batch.clips.shape == (5, 4, 3, 32, 32)
    assert batch.labels.tolist() == [-1] * 5
    for clip, (video, start) in zip(batch.clips, source.picks, strict=True):
        whole, _ = read_video(folder.videos[video].path)
        expected = torch.from_numpy(whole[start : start + 7 : 2].astype(np.float32)).permute(0, 3, 1, 2) / 127.5 - 1
        assert torch.allclose(clip, expected)
    assert torch.equal(source.clip(3), batch.clips[3])


def test_a_short_video_may_go_back_in_time(videos, tmp_path):
    clip = read_clip(scan(videos, tmp_path), 2, 0, ClipRule(32, 5, short="bounce"))
    assert torch.equal(clip[3], clip[1]) and torch.equal(clip[4], clip[0]) and not torch.equal(clip[2], clip[0])


def test_another_frame_rate_takes_frames_by_time(videos, tmp_path):
    rule = ClipRule(32, 4, frame_rate=6.0, short="skip")
    source = FolderSource(scan(videos, tmp_path), rule, clips=1, seed=0)
    (video, start), clip = source.picks[0], source.clip(0)
    whole, _ = read_video(source.folder.videos[video].path)
    assert torch.allclose(clip[:, 0, 0, 0], torch.tensor(whole[2 * start :: 2, 0, 0, 0][:4] / 127.5 - 1).float())


def test_a_video_that_breaks_after_the_scan_is_left_out(videos, tmp_path, caplog):
    root = tmp_path / "videos"
    shutil.copytree(videos, root)
    source = FolderSource(scan(root, tmp_path), ClipRule(32, 3), clips=3, seed=0)
    (root / "b.mp4").write_bytes(b"no video")
    (batch,) = source.batches()
    assert batch.groups.tolist() == [0, 2]
    assert "b.mp4" in caplog.text


def test_too_short_videos_are_told(videos, tmp_path):
    with pytest.raises(DataError, match="no video has 40 frames at stride 1"):
        FolderSource(scan(videos, tmp_path), ClipRule(32, 40, short="skip"), clips=3, seed=0)


def test_labels_follow_the_real_classes_by_name():
    real = torch.tensor([0, 0, 0, 1, 2, -1])
    labels = labels_in_proportion(real, ("run", "walk", "swim"), ("walk", "run"), 8)
    assert labels.tolist() == [0, 0, 1, 1, 1, 1, 1, 1]
    assert labels_in_proportion(real, ("run", "walk", "swim"), (), 8) is None
    assert labels_in_proportion(torch.tensor([-1, -1]), (), ("a", "b"), 5).tolist() == [0, 1, 0, 1, 0]


def test_a_generator_gives_the_same_clips_one_by_one_and_late_frames_of_the_same_videos():
    generator = build_generator(tiny_config(), 2).eval()
    labels = torch.arange(18) // 9  # in order, as labels_in_proportion gives them
    source = GeneratorSource(generator, ("a", "b"), labels, num_frames=6, clips=18, seed=5, frame_rate=Fraction(12))
    batches = list(source.batches())
    clips = torch.cat([batch.clips for batch in batches])
    assert clips.shape == (18, 6, 3, 32, 32)
    assert torch.cat([batch.labels for batch in batches]).tolist() == labels.tolist()
    assert torch.allclose(source.clip(17), clips[17], atol=1e-4)
    whole = torch.cat(list(take(stream(generator, [5, 11, 17], labels[[0, 6, 12]]), 27)), dim=1)
    (late,) = source.later(21, 3).batches()
    assert torch.allclose(late.clips, whole[:, 21:27], atol=1e-4)
    assert late.labels.tolist() == [0, 0, 1] and late.indices.tolist() == [0, 6, 12]
    assert len(source.later(21, 99)) == 18
