import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import typer

from videogan.commands.inspect import inspect
from videogan.errors import MissingPathError
from videogan.preparation.synthetic import moving_shapes
from videogan.video import VideoWriter


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))


@pytest.fixture
def clips(tmp_path):
    root = tmp_path / "clips"
    for number, (name, num_frames) in enumerate({"a/1": 6, "a/2": 40, "b/1": 20}.items()):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        with VideoWriter(root / f"{name}.mp4", frame_rate=12.5) as writer:
            writer.write(moving_shapes(number, size=48, num_frames=num_frames)[0])
    return root


def as_json(capsys, path):
    inspect(path, as_json=True)
    return json.loads(capsys.readouterr().out)


def test_a_video(clips, capsys):
    report = as_json(capsys, clips / "a" / "1.mp4")
    expected = {"path": str(clips / "a" / "1.mp4"), "duration_seconds": 0.96, "codec": "h264", "class": None}
    expected |= {"status": "ok", "reason": "", "frames": 12, "width": 48, "height": 48, "frame_rate": 12.5}
    assert report == expected
    inspect(clips / "a" / "1.mp4")
    assert "12 frames of 48x48 at 12.5 fps, 0.96 s, h264" in capsys.readouterr().out


def test_a_rejected_video_has_a_reason_and_ends_with_3(tmp_path, capsys):
    path = tmp_path / "bad.mp4"
    path.write_text("no video")
    with pytest.raises(typer.Exit) as ended:
        inspect(path, as_json=True)
    assert ended.value.exit_code == 3
    report = json.loads(capsys.readouterr().out)
    assert report["status"] == "rejected"
    assert report["reason"]
    assert report["frames"] == 0
    with pytest.raises(typer.Exit):
        inspect(path)
    assert "bad.mp4: rejected: " in capsys.readouterr().out


def test_a_path_that_does_not_exist(tmp_path):
    with pytest.raises(MissingPathError):
        inspect(tmp_path / "nowhere")


def test_a_folder(clips, capsys):
    (clips / "a" / "bad.mp4").write_text("no video")
    report = as_json(capsys, clips)
    names = [os.path.relpath(file["path"], clips) for file in report["files"]]
    assert names == ["a/1.mp4", "a/2.mp4", "b/1.mp4", "a/bad.mp4"]
    assert [file["status"] for file in report["files"]] == ["ok", "ok", "ok", "rejected"]
    assert [file.get("class") for file in report["files"]] == ["a", "a", "b", None]
    totals = report["totals"]
    assert totals["videos"] == 3
    assert totals["frames"] == 66
    assert totals["classes"] == {"a": 2, "b": 1}
    assert totals["frames_histogram"] == {"4-7": 1, "16-31": 1, "32-63": 1}
    assert totals["sizes"] == {"48x48": 3}
    assert totals["near_duplicates"] == []
    assert totals["training"]["cpu"] == {"num_frames": 8, "size": 32, "long_enough": 2, "large_enough": 3}
    inspect(clips)
    text = capsys.readouterr().out
    assert "total: 3 videos" in text
    assert "1 rejected" in text
    assert "preset cpu: clips of 8 frames, 32 pixels; 1 shorter ones repeat their last frame" in text


def test_near_duplicates_and_mirror_images_are_found(clips, capsys):
    frames = moving_shapes(1, size=48, num_frames=40)[0]
    for name, pixels in {
        "again": frames,
        "mirrored": frames[:, :, ::-1],
        "other": moving_shapes(9, size=48)[0],
    }.items():
        with VideoWriter(clips / "b" / f"{name}.mp4", crf=28) as writer:
            writer.write(np.ascontiguousarray(pixels))
    groups = as_json(capsys, clips)["totals"]["near_duplicates"]
    assert [[os.path.relpath(path, clips) for path in group] for group in groups] == [
        ["a/2.mp4", "b/again.mp4", "b/mirrored.mp4"]
    ]


def test_a_folder_without_a_usable_video(tmp_path, capsys):
    with pytest.raises(typer.Exit) as ended:
        inspect(tmp_path, as_json=True)
    assert ended.value.exit_code == 3
    assert json.loads(capsys.readouterr().out)["totals"]["videos"] == 0
    with pytest.raises(typer.Exit):
        inspect(tmp_path)
    assert "no usable video" in capsys.readouterr().out


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv to give up root's rights")
def test_a_file_without_permission_is_rejected_though_it_was_probed_before(clips):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*(path for path in sys.path if path), "."])}
    rights = "-dac_override,-dac_read_search"
    command = ["setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}"] if os.geteuid() == 0 else []
    command += [sys.executable, "-c", "from videogan.cli import main; main()", "inspect", "--json"]
    inspect(clips)
    (clips / "a" / "1.mp4").chmod(0)
    folder = subprocess.run([*command, str(clips)], env=environment, capture_output=True, text=True)
    assert json.loads(folder.stdout)["totals"]["rejected"] == 1
    one = subprocess.run([*command, str(clips / "a" / "1.mp4")], env=environment, capture_output=True, text=True)
    assert one.returncode == 3
    assert "permission" in json.loads(one.stdout)["reason"]
