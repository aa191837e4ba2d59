import os

import pytest

from videogan.errors import DataError, UsageError
from videogan.preparation.cutting import find_videos
from videogan.preparation.dataset import prepare
from videogan.preparation.matching import match_all
from videogan.preparation.recipes import VideosRecipe, load_recipe

PATHS = ["walk/a.mp4", "run/b.mp4", "walk/c.txt", os.fsdecode(b"walk/\xff.mp4"), "new\nline/d.mp4"]


def test_groups_of_what_matches():
    found = match_all(r"(?P<label>[^/]+)/.*\.mp4", PATHS, whole=True)
    assert [match and match["label"] for match in found] == ["walk", "run", None, "walk", "new\nline"]
    assert [match is not None for match in match_all("^walk", PATHS, whole=False)] == [True, False, True, True, False]


def test_an_expression_without_end_is_given_up(monkeypatch):
    monkeypatch.setattr("videogan.preparation.matching.SECONDS", 0.5)
    with pytest.raises(UsageError, match=r"'\(a\+\)\+' takes more than 0\.5 s"):
        match_all("(a+)+", ["a" * 60 + "!"], whole=True)


RECIPE = """
kind = "videos"
title = "t"
homepage = "h"
licence = "l"
[layout]
video = '{}'
"""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (RECIPE.format("(" * 5000 + ")" * 5000), "layout.video: .*not a regular expression: nested too deeply"),
        (RECIPE.format("a{99999999999}"), "layout.video: .*not a regular expression"),
        ("a = " + "[" * 100_000, "not a readable TOML file"),
        ("a = " + "9" * 5000, "not a readable TOML file"),
        ("\0", "not a readable TOML file"),
    ],
)
def test_recipes_that_are_deep_or_wrong_are_refused(tmp_path, text, reason):
    path = tmp_path / "r.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=reason):
        load_recipe(str(path))


def test_a_recipe_is_a_small_regular_file(tmp_path):
    path = tmp_path / "r.toml"
    path.write_bytes(bytes(2 << 20))
    with pytest.raises(UsageError, match="larger than 1 MiB"):
        load_recipe(str(path))
    with pytest.raises(UsageError, match="no such recipe file"):
        load_recipe("x" * 300 + ".toml")


def test_what_is_drawn_has_a_bound(tmp_path):
    path = tmp_path / "r.toml"
    path.write_text('kind = "moving-shapes"\ntitle = "t"\nnum_frames = 100000\n')
    with pytest.raises(UsageError, match="more than is held while it is drawn"):
        prepare(str(path), tmp_path / "out", size=4096)


def test_an_endless_expression_of_a_recipe_ends(tmp_path, monkeypatch):
    monkeypatch.setattr("videogan.preparation.matching.SECONDS", 0.5)
    path = tmp_path / "r.toml"
    path.write_text(RECIPE.format("(a+)+b"))
    recipe = load_recipe(str(path))
    assert isinstance(recipe, VideosRecipe)
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / ("a" * 60 + ".mp4")).touch()
    with pytest.raises(UsageError, match="takes more than"):
        find_videos(recipe, tmp_path / "raw", None)
    (tmp_path / "raw" / ("a" * 60 + ".mp4")).unlink()
    with pytest.raises(DataError, match="none of its 0 videos"):
        find_videos(recipe, tmp_path / "raw", None)
