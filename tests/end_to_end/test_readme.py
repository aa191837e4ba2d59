import re
import shutil
from pathlib import Path

README = (Path(__file__).parents[2] / "README.md").read_text()


def test_the_python_example_runs(videogan, clips, tiny):
    Path("flat").mkdir()
    for number, path in enumerate(sorted(clips.rglob("*.mp4"))):
        shutil.copy(path, f"flat/{number}.mp4")
    assert videogan("train", "flat", *tiny, "--run", "runs/demo", "--steps", 1).code == 0
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, object] = {}
    exec(code, names)
    assert names["frames"].shape == (4, 16, 3, 32, 32)
    assert names["frames"].abs().max() <= 1


def test_every_link_leads_somewhere():
    links = re.findall(r"\]\(([^)]+)\)", README) + re.findall(r'src="([^"]+)"', README)
    assert len(links) > 3
    root = Path(__file__).parents[2]
    assert [link for link in links if not (root / link).exists()] == []
