import re
import shutil
from pathlib import Path

README = (Path(__file__).parents[2] / "README.md").read_text()


def test_the_python_examples_run(videogan, clips, tiny):
    Path("flat").mkdir()
    for number, path in enumerate(sorted(clips.rglob("*.mp4"))):
        shutil.copy(path, f"flat/{number}.mp4")
    assert videogan("train", "flat", *tiny, "--run", "runs/demo", "--steps", 1).code == 0
    codes = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(codes) >= 3
    names: dict[str, object] = {}
    for code in codes:
        exec(code, names)
    assert names["frame"].shape == (32, 32, 3)
    assert len(names["morph"]) == 64
    assert names["codes"].motion_codes.shape[:2] == (1, 16)
    assert names["again"].shape == (64, 32, 32, 3)
    assert len(names["back"]) == 32
    assert names["film"].shape == (80, 32, 32, 3)


def test_every_link_leads_somewhere():
    links = re.findall(r"\]\(([^)]+)\)", README) + re.findall(r'src="([^"]+)"', README)
    assert len(links) > 3
    root = Path(__file__).parents[2]
    assert [link for link in links if not (root / link).exists()] == []
