"""Sets and samples that nothing good comes of are told in words; others are not."""

from pathlib import Path

import pytest
import torch

from videogan.data.folder import VideoFolder
from videogan.data.listing import SourceVideo, VideoTable
from videogan.training.collapse import CollapseWatch, spread, still_clips
from videogan.training.scan import concerns
from videogan.video import VideoInfo


def videos(*counts):
    info = VideoInfo(Path("x"), 32, 32, 25, 16, 0.64, "h264", 0)
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    names = tuple("abcdef"[: len(counts)])
    return VideoFolder(
        Path("x"), VideoTable.of(Path("x"), [SourceVideo(Path("x"), label, info) for label in labels]), (), names
    )


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((1,), ["1 video only"]),
        ((3, 2), ["5 videos only"]),
        ((1, 500), ["class a has 1 of the videos and b 500"]),
        ((1, 3, 60), ["class a has 1 of the videos and c 60"]),
        ((8,), []),
        ((10, 150), []),
    ],
)
def test_few_videos_and_lopsided_classes(counts, words):
    texts = concerns(videos(*counts))
    assert len(texts) == len(words)
    assert all(word in text for word, text in zip(words, texts, strict=True))


def test_clips_that_do_not_move_or_show_nothing():
    source = torch.Generator().manual_seed(0)
    moving = torch.rand(4, 6, 3, 8, 8, generator=source) * 2 - 1
    still = moving[:, :1].expand(-1, 6, -1, -1, -1)
    assert still_clips(moving) == ""
    assert "4 of 4 clips that were looked at do not move" in still_clips(still + 0.004 * moving)
    assert "show one colour" in still_clips(torch.full((4, 6, 3, 8, 8), -1.0))
    assert still_clips(torch.cat([moving, still[:3]])) == ""
    fading = torch.linspace(-1, 1, 6)[None, :, None, None, None].expand(4, 6, 3, 8, 8)
    assert still_clips(fading) == ""


def test_spread_is_that_inside_a_class():
    frames = torch.zeros(4, 3, 16, 16)
    frames[2:] = 1
    assert spread(frames, None) == pytest.approx(0.5)
    assert spread(frames, torch.tensor([0, 0, 1, 1])) == 0
    assert spread(frames, torch.tensor([0, 1, 0, 1])) == pytest.approx(0.5)
    assert spread(frames, torch.arange(4)) == 0, "of one sample a class nothing can be said"


def test_a_collapse_is_told_once_until_samples_differ_again():
    watch = CollapseWatch(real_spread=0.4)
    assert watch.look(0.01, clips_seen=100) == "", "nothing is learnt yet"
    assert watch.look(0.2, clips_seen=200) == ""
    assert "collapsed" in watch.look(0.01, clips_seen=300)
    assert watch.look(0.01, clips_seen=400) == ""
    assert watch.look(0.3, clips_seen=500) == ""
    assert "collapsed" in watch.look(0.02, clips_seen=600)
    assert "2% of the spread" in CollapseWatch(0.4).look(0.01, clips_seen=50_000)
    assert CollapseWatch(0.0).look(0.0, clips_seen=50_000) == "", "real clips that are all one"
