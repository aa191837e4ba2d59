import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from raw_videos import clip_of, write

from videogan.commands.prepare import prepare
from videogan.data.folder import scan_folder
from videogan.errors import DataError, MissingPathError, UsageError


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))


def run(recipe, out, raw=None, **options):
    defaults = {"count": None, "seed": 0, "size": None, "split": None, "yes": False}
    prepare(recipe, out, raw, **{**defaults, **options})


def test_moving_shapes(tmp_path, capsys):
    run("moving-shapes", tmp_path / "out", count=6, seed=5, size=32)
    assert capsys.readouterr().out.strip() == str(tmp_path / "out")
    folder = scan_folder(tmp_path / "out", cache_dir=tmp_path / "cache")
    assert folder.class_names == ("circle", "square", "triangle")
    assert [video.info.num_frames for video in folder.videos] == [64] * 6
    assert {path.suffix for path in (tmp_path / "out").rglob("*") if path.is_file()} == {".mp4"}


def test_moving_digits(tmp_path):
    run("moving-digits", tmp_path / "out", count=10, size=32)
    folder = scan_folder(tmp_path / "out", cache_dir=tmp_path / "cache")
    assert folder.class_names == tuple("0123456789")


def test_bad_videos_are_told_and_the_others_kept(tmp_path, caplog):
    write(tmp_path / "raw" / "a" / "good.mp4", clip_of())
    write(tmp_path / "raw" / "a" / "short.mp4", clip_of(5))
    (tmp_path / "raw" / "a" / "bad.mp4").write_text("not a video")
    (tmp_path / "raw" / "a" / "loop.mp4").symlink_to("loop.mp4")
    run("folder", tmp_path / "out", tmp_path / "raw")
    assert [path.name for path in (tmp_path / "out").rglob("*.mp4")] == ["good.mp4"]
    told = caplog.text
    assert "loop.mp4 is left out: symlink loop" in told
    assert "bad.mp4 is left out: " in told
    assert "1 pieces were too short" in told


def test_errors(tmp_path):
    out, raw = tmp_path / "out", tmp_path / "raw"
    with pytest.raises(UsageError, match=r"did you mean 'ucf101'"):
        run("ucf10", out)
    with pytest.raises(UsageError, match=r"crcv\.ucf\.edu.*licence.*videogan prepare ucf101 .*out --from"):
        run("ucf101", out)
    with pytest.raises(MissingPathError, match="no such folder"):
        run("ucf101", out, raw)
    write(raw / "a" / "x.mp4", clip_of())
    with pytest.raises(DataError, match="none of its 1 videos has the recipe's layout"):
        run("ucf101", out, raw)
    with pytest.raises(UsageError, match="did you mean 'train'"):
        run("ucf101", out, raw, split="trian")
    with pytest.raises(UsageError, match="lies in the folder"):
        run("folder", raw / "out", raw)
    with pytest.raises(UsageError, match="neither --from nor --split"):
        run("moving-shapes", out, raw)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="not a folder"):
        run("moving-shapes", tmp_path / "file")
    with pytest.raises(MissingPathError, match="no such recipe file"):
        run("./nowhere.toml", out)
    (raw / "a" / "x.mp4").write_text("spoilt")
    with pytest.raises(DataError, match="1 videos gave no clip: 1 cannot be read"):
        run("folder", out, raw)


def test_an_existing_folder_needs_yes(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "keep.txt").write_text("mine")
    with pytest.raises(UsageError, match="--yes"):
        run("moving-shapes", out, count=1)
    run("moving-shapes", out, count=1, yes=True, size=32)
    assert (out / "keep.txt").read_text() == "mine"


def test_a_full_disk_is_one_line_and_leaves_no_part(tmp_path):
    out = tmp_path / "out"
    code = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000)); from videogan.cli import main; main()"
    )
    command = [sys.executable, "-c", code, "prepare", "moving-shapes", str(out), "--count", "4", "--size", "128"]
    done = subprocess.run(command, env=_environment(), capture_output=True, text=True)
    assert done.returncode in (1, 2)
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1
    assert not [path for path in out.rglob("*") if path.is_file()]


def _environment():
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*(path for path in sys.path if path), "."])}


def _default_signals() -> None:
    """Undo what a shell does to jobs in the background: it lets them ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_it_leaves_whole_clips_only(tmp_path, number, code):
    out = tmp_path / "out"
    program = [sys.executable, "-c", "from videogan.cli import main; main()"]
    command = [*program, "prepare", "moving-shapes", str(out), "--count", "9999", "--size", "128"]
    process = subprocess.Popen(
        command, env=_environment(), stderr=subprocess.PIPE, text=True, preexec_fn=_default_signals
    )
    killer = threading.Timer(60, process.kill)
    killer.start()
    while process.poll() is None and len(list(out.rglob("*.mp4"))) < 3:
        time.sleep(0.05)
    process.send_signal(number)
    _, told = process.communicate()
    killer.cancel()
    assert process.returncode == code, told
    assert "Traceback" not in told
    assert not list(out.rglob("*.part"))
    folder = scan_folder(out, cache_dir=tmp_path / "cache")
    assert folder.rejected == ()
    assert {video.info.num_frames for video in folder.videos} == {64}
