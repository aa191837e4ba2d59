"""Clips that look alike become a class: scenes of one film apart, shots of one scene together, nothing lost."""

import numpy as np
import pytest
from raw_videos import write

import videogan.preparation.grouping
from videogan.errors import UsageError
from videogan.preparation.dataset import prepare
from videogan.preparation.grouping import groups, looks
from videogan.video import VideoReader


def scene(kind, shot, num_frames=20, size=64):
    """A sky above a meadow, upright bars, or a chequerboard; a shot of it is a little moved, and drifts."""
    y, x = np.mgrid[:size, :size]
    frames = []
    for time in range(num_frames):
        at = shot + time / 10
        if kind == "meadow":
            edge = 32 + 3 * np.sin((x + 4 * at) / 9)
            picture = np.where((y < edge)[..., None], (110, 160, 230), (60, 150, 40))
        elif kind == "bars":
            picture = np.where((((x + at) // 6) % 2 == 0)[..., None], (20, 20, 25), (200, 60, 50))
        else:
            picture = np.where((((x + at) // 16 + y // 16) % 2 == 0)[..., None], (250, 250, 250), (0, 0, 0))
        frames.append(picture)
    return np.stack(frames).astype(np.uint8)


@pytest.fixture
def raw(tmp_path):
    counts = {"meadow": 4, "bars": 3, "chequers": 2}
    for kind, count in counts.items():
        for shot in range(count):
            write(tmp_path / "raw" / "reels" / f"{kind}-{shot}.mp4", scene(kind, shot))
    return tmp_path / "raw"


def grouped(folder):
    return {path.name: sorted(clip.name for clip in path.iterdir()) for path in sorted(folder.iterdir())}


def test_each_scene_is_a_class_the_largest_first_in_place_of_the_recipes(raw, tmp_path):
    told = []
    done = prepare("folder", tmp_path / "out", raw=raw, by_look=True, progress=lambda *state: told.append(state))
    # The recipe's class, the folder of the reels, is a part of the names.
    assert grouped(tmp_path / "out") == {
        "look-01": [f"reels-meadow-{shot}.mp4" for shot in range(4)],
        "look-02": [f"reels-bars-{shot}.mp4" for shot in range(3)],
        "look-03": [f"reels-chequers-{shot}.mp4" for shot in range(2)],
    }
    assert (done.clips, done.class_names) == (9, {"look-01", "look-02", "look-03"})
    assert told == [*((number, 9) for number in range(1, 10))] * 2  # cut, then looked at


def test_scenes_of_one_film_are_cut_and_told_apart(tmp_path):
    write(tmp_path / "raw" / "film.mp4", np.concatenate([scene(kind, 0) for kind in ("meadow", "bars", "meadow")]))
    prepare("folder", tmp_path / "out", raw=tmp_path / "raw", by_look=True)
    assert grouped(tmp_path / "out") == {"look-01": ["film-000.mp4", "film-002.mp4"], "look-02": ["film-001.mp4"]}
    with VideoReader(tmp_path / "out" / "look-02" / "film-001.mp4") as reader:
        assert len(reader) == 20


@pytest.mark.parametrize("shots", [1, 3])
def test_clips_that_all_look_alike_have_no_class(tmp_path, shots):
    for shot in range(shots):
        write(tmp_path / "raw" / f"{shot}.mp4", scene("meadow", shot))
    done = prepare("folder", tmp_path / "out", raw=tmp_path / "raw", by_look=True)
    assert done.class_names == set()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"{shot}.mp4" for shot in range(shots)]


def test_clips_beyond_those_compared_join_the_nearest_group(monkeypatch):
    monkeypatch.setattr(videogan.preparation.grouping, "COMPARED", 8)
    source = np.random.default_rng(0)
    kinds = np.arange(60) % 2
    features = np.eye(5)[kinds] + 0.05 * source.normal(size=(60, 5))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    found = groups(features)
    assert [numbers.tolist() for numbers in found] == [
        np.flatnonzero(kinds == 0).tolist(),
        np.flatnonzero(kinds == 1).tolist(),
    ]


@pytest.mark.parametrize(("count", "most"), [(2, 2), (7, 7), (200, 64)])
def test_many_clips_that_hardly_resemble_each_other_are_groups_of_like_size(count, most):
    features = np.random.default_rng(0).normal(size=(count, 512))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    found = groups(features)
    assert len(found) == most
    assert sorted(np.concatenate(found).tolist()) == list(range(count))
    assert [len(numbers) for numbers in found] == sorted((len(numbers) for numbers in found), reverse=True)
    assert count < 200 or len(found[0]) < 20


def test_looks_have_length_1_and_depend_on_what_is_shown(raw):
    clips = [raw / "reels" / name for name in ("meadow-0.mp4", "meadow-1.mp4", "bars-0.mp4")]
    seen = looks(clips)
    assert np.linalg.norm(seen, axis=1) == pytest.approx(np.ones(3), abs=1e-5)
    near, far = seen[0] @ seen[1], seen[0] @ seen[2]
    assert near > 0.9
    assert far < 0.6


@pytest.mark.parametrize(
    ("recipe", "options", "message"),
    [
        ("moving-shapes", {"by_look": True}, "neither --from nor --split nor --by-look"),
        ("folder", {"by_look": True, "raw": True, "shard": (0, 2)}, "--by-look compares all"),
    ],
)
def test_what_cannot_be_grouped_is_refused_before_anything_is_written(raw, tmp_path, recipe, options, message):
    options = {**options, "raw": raw} if "raw" in options else options
    with pytest.raises(UsageError, match=message):
        prepare(recipe, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_groups_of_an_earlier_call_are_not_mixed_with_new_ones(raw, tmp_path):
    prepare("folder", tmp_path / "out", raw=raw, by_look=True)
    before = grouped(tmp_path / "out")
    with pytest.raises(UsageError, match="look-01 is of an earlier --by-look"):
        prepare("folder", tmp_path / "out", raw=raw, by_look=True, overwrite=True)
    assert grouped(tmp_path / "out") == before
