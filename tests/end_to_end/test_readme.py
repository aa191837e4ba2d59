import re
import shutil
from pathlib import Path

import pytest
from PIL import Image
from tiny_run import TINY

import videogan
from videogan.presets import parse_setting
from videogan.video import probe

README = (Path(__file__).parents[2] / "README.md").read_text()


@pytest.fixture
def in_small(tmp_path, monkeypatch):
    """Let README's calls of train and evaluate do a step and a few clips; their own arguments are passed on."""
    train, evaluate = videogan.train, videogan.evaluate
    changes = dict(map(parse_setting, TINY))

    def small_train(clips, *, settings=None, minutes=None, **options):
        anew = "start_from" not in options
        small = {name: value for name, value in changes.items() if anew or name.startswith("train.")}
        small |= {"data.cache_dir": str(tmp_path / "cache"), **(settings or {})}
        return train(clips, settings=small, steps=1, **options | ({"preset": "cpu"} if anew else {}))

    monkeypatch.setattr(videogan, "train", small_train, raising=False)
    few = {"features": "pixels-16", "clips": 4}
    monkeypatch.setattr(videogan, "evaluate", lambda real, **options: evaluate(real, **options | few), raising=False)
    monkeypatch.chdir(tmp_path)


def test_the_python_examples_run(in_small, clips):
    shutil.copytree(clips, "clips")
    Image.new("RGB", (48, 40), "red").save("photo.jpg")
    examples = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(examples) >= 3
    names: dict[str, object] = {}
    for code in examples:
        exec(code, names)
    assert names["run"].metrics()[-1]["step"] == 1
    assert names["distance"] is not None
    assert Path("evaluation/report.html").is_file()
    assert probe("four.mp4").height == 64
    assert names["frame"].shape == (32, 32, 3)
    assert len(names["morph"]) == 64
    assert names["codes"].motion_codes.shape[:2] == (1, 16)
    assert names["again"].shape == (64, 32, 32, 3)
    assert len(names["back"]) == 32
    assert names["film"].shape == (80, 32, 32, 3)
    assert names["tuned"].config.start.model == str(names["model"].path)
    assert names["larger"].config.start.sizes == (32,)
    assert (probe("moving.mp4").num_frames, probe("moving.mp4").width) == (32, 64)
    assert names["squares"].shape == (64, 32, 32, 3)
    assert len(list(Path("squares").rglob("*.mp4"))) == 12


def test_every_link_leads_somewhere():
    links = re.findall(r"\]\(([^)]+)\)", README) + re.findall(r'src="([^"]+)"', README)
    assert len(links) > 3
    root = Path(__file__).parents[2]
    assert [link for link in links if not (root / link).exists()] == []
