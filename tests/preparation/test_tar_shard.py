"""Shards of a preparation: together they are the whole, each is there or not, and one that is there stays."""

import hashlib
import json
import logging
import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from raw_videos import clip_of, write

from videogan.commands.prepare import prepare as command
from videogan.data.walk import walk_folders
from videogan.errors import UsageError
from videogan.preparation.dataset import prepare
from videogan.preparation.tar_shard import Shard

PROGRAM = [sys.executable, "-c", "from videogan.cli import main; main()"]
DRAWN = {"count": 6, "size": 32}


def members(tar: Path) -> dict[str, bytes]:
    with tarfile.open(tar) as file:
        return {member.name: file.extractfile(member).read() for member in file}


def lines(tar: Path) -> list[dict]:
    return [json.loads(line) for line in tar.with_suffix(".jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def raw(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    for number in range(6):
        write(folder / "ab"[number % 2] / f"{number}.mp4", clip_of(20 + number, seed=number))
    (folder / "b" / "bad.mp4").write_text("no video")
    return folder


def test_the_shards_are_the_folder(raw, tmp_path):
    whole = prepare("folder", tmp_path / "whole", raw=raw)
    shards = [prepare("folder", tmp_path / "shards", raw=raw, shard=(index, 3)) for index in range(3)]
    files = {
        path.relative_to(whole.folder).as_posix(): path.read_bytes()
        for path in whole.folder.rglob("*")
        if path.is_file()
    }
    packed = [members(shard.tar) for shard in shards]
    assert sum(map(len, packed)) == len(files) == 6
    assert {name: content for part in packed for name, content in part.items()} == files
    assert all(list(part) == sorted(part) for part in packed)
    assert sum(shard.frames for shard in shards) == whole.frames
    assert [path for shard in shards for path, _ in shard.rejected] == [raw / "b" / "bad.mp4"]


def test_a_line_tells_what_a_clip_holds(raw, tmp_path):
    shard = prepare("folder", tmp_path / "out", raw=raw, shard=(0, 1))
    packed, (*clips, bad) = members(shard.tar), lines(shard.tar)
    assert [line["path"] for line in clips] == list(packed)
    for line in clips:
        assert line["sha256"] == hashlib.sha256(packed[line["path"]]).hexdigest()
        number = int(Path(line["source"]).stem)
        assert line["source"] == line["path"] == f"{line['class']}/{number}.mp4"
        assert (line["frames"], line["width"], line["height"], line["frame_rate"]) == (20 + number, 64, 64, 25)
        assert line["duration_seconds"] == pytest.approx((20 + number) / 25)
    assert (bad["status"], bad["source"], bad["class"]) == ("rejected", str(raw / "b" / "bad.mp4"), None)
    assert bad["reason"] and "bad.mp4" not in bad["reason"]


def test_a_video_is_in_one_shard_for_ever():
    names = [f"class/{number}.mp4" for number in range(100)] + ["\udcff.mp4"]
    share = {name: [index for index in range(7) if Shard(index, 7).takes(name)] for name in names}
    assert all(len(indices) == 1 for indices in share.values())
    assert {index for (index,) in share.values()} == set(range(7))
    assert [share[f"class/{number}.mp4"][0] for number in range(4)] == [5, 2, 2, 4]


def test_drawn_clips_are_dealt_by_number_and_give_the_same_bytes_again(tmp_path):
    first, second = (prepare("moving-shapes", tmp_path / name, **DRAWN, shard=(1, 4)) for name in ("one", "two"))
    assert sorted(Path(name).stem for name in members(first.tar)) == ["000001", "000005"]
    for suffix in (".tar", ".jsonl"):
        assert first.tar.with_suffix(suffix).read_bytes() == second.tar.with_suffix(suffix).read_bytes()


def test_a_shard_may_be_empty(tmp_path):
    shard = prepare("moving-shapes", tmp_path / "out", count=1, size=32, shard=(9, 10))
    assert (shard.clips, members(shard.tar), lines(shard.tar)) == (0, {}, [])


def test_a_finished_shard_stays(raw, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    first = prepare("folder", tmp_path / "out", raw=raw, shard=(0, 1))
    before = first.tar.stat()
    again = prepare("folder", tmp_path / "out", raw=raw, shard=(0, 1))
    assert "clips-000000.tar is finished and stays; --yes makes it anew" in caplog.text
    assert again == first
    assert first.tar.stat().st_ino == before.st_ino
    anew = prepare("folder", tmp_path / "out", raw=raw, shard=(0, 1), overwrite=True)
    assert anew == first
    assert first.tar.stat().st_ino != before.st_ino or first.tar.stat().st_mtime_ns > before.st_mtime_ns


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_text("{"), lambda path: path.write_text("1")])
def test_without_its_lines_a_shard_is_made_anew(tmp_path, damage):
    shard = prepare("moving-shapes", tmp_path / "out", count=2, size=32, shard=(0, 1))
    text = shard.tar.with_suffix(".jsonl").read_text()
    damage(shard.tar.with_suffix(".jsonl"))
    prepare("moving-shapes", tmp_path / "out", count=2, size=32, shard=(0, 1))
    assert shard.tar.with_suffix(".jsonl").read_text() == text


def test_shards_of_other_settings_are_refused(tmp_path):
    out = tmp_path / "out"
    prepare("moving-shapes", out, **DRAWN, shard=(0, 3))
    for change, name in (({"size": 16}, "size"), ({"shard": (0, 4)}, "shards"), ({"seed": 1}, "seed")):
        with pytest.raises(UsageError, match=rf"holds shards made by other settings \({name}\)"):
            prepare("moving-shapes", out, **{**DRAWN, "shard": (1, 3), **change})
    with pytest.raises(UsageError, match=r"settings \(recipe\)"):
        prepare("moving-digits", out, **DRAWN, shard=(1, 3))
    assert sorted(path.name for path in out.iterdir()) == ["clips-000000.jsonl", "clips-000000.tar", "shards.json"]


def test_a_folder_of_something_else_is_refused(tmp_path):
    prepare("moving-shapes", tmp_path / "out", count=1, size=32)
    with pytest.raises(UsageError, match="is not empty; use --yes"):
        prepare("moving-shapes", tmp_path / "out", **DRAWN, shard=(0, 3))
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="not a folder"):
        prepare("moving-shapes", tmp_path / "file", **DRAWN, shard=(0, 3))


@pytest.mark.parametrize("shard", [(3, 3), (-1, 3), (0, 0), (0, 10**6 + 1)])
def test_a_shard_out_of_range_is_refused_before_anything_is_made(tmp_path, shard):
    with pytest.raises(UsageError, match=r"must be I/N with I from 0 to N-1 and N at most 1000000"):
        prepare("moving-shapes", tmp_path / "out", shard=shard)
    assert not (tmp_path / "out").exists()


def test_the_command_prints_the_tar(tmp_path, capsys):
    options = {"raw": None, "seed": 0, "split": None, "yes": False, **DRAWN}
    command("moving-shapes", tmp_path / "out", shard="2/3", **options)
    assert capsys.readouterr().out == f"{tmp_path / 'out' / 'clips-000002.tar'}\n"
    for text in ("2", "a/3", "-1/3", "1/3/5", "\u0661/3", "1/9999999999"):
        with pytest.raises(UsageError, match=r"must be I/N, such as 17/1000"):
            command("moving-shapes", tmp_path / "out", shard=text, **options)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 143)])
def test_killed_it_leaves_nothing_that_is_read_and_begins_anew(tmp_path, number, code):
    out, options = tmp_path / "out", ["--count", "24", "--size", "64", "--shard", "0/2"]
    arguments = [*PROGRAM, "prepare", "moving-shapes", str(out), *options]
    process = subprocess.Popen(arguments, stderr=subprocess.DEVNULL)
    killer = threading.Timer(60, process.kill)
    killer.start()
    while process.poll() is None and not list(out.rglob("*.mp4")):
        time.sleep(0.01)
    process.send_signal(number)
    assert process.wait() == code
    killer.cancel()
    assert [path.name for path in out.iterdir() if not path.name.startswith(".")] == ["shards.json"]
    assert len(list(out.glob(".*.part"))) == (number == signal.SIGKILL)
    assert walk_folders([out]).paths() == []
    shard = prepare("moving-shapes", out, count=24, size=64, shard=(0, 2))
    assert len(members(shard.tar)) == 12
    assert not list(out.glob(".*"))


def test_a_shard_that_another_process_makes_is_left_alone(tmp_path):
    held = tmp_path / "out" / ".clips-000000.other.part"
    held.mkdir(parents=True)
    (held / "clip.mp4").touch()
    code = "import sys, time; from videogan.parts import hold_part; from pathlib import Path;"
    code += "hold_part(Path(sys.argv[1])); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, held], stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        prepare("moving-shapes", tmp_path / "out", count=1, size=32, shard=(0, 1))
        assert (held / "clip.mp4").exists()
        other.kill()
    prepare("moving-shapes", tmp_path / "out", count=1, size=32, shard=(0, 1), overwrite=True)
    assert not held.exists()


def test_two_may_make_the_same_shard_at_once(tmp_path):
    def make(folder: str) -> Path:
        return prepare("moving-shapes", tmp_path / folder, **DRAWN, shard=(0, 2), overwrite=True).tar

    with ThreadPoolExecutor(4) as pool:
        (tar,) = set(pool.map(make, ["out"] * 4))
    assert tar.read_bytes() == make("alone").read_bytes()
    assert sorted(path.suffix for path in (tmp_path / "out").iterdir()) == [".json", ".jsonl", ".tar"]


def test_a_full_disk_is_one_line_and_keeps_nothing(tmp_path):
    code = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (30000, 30000)); from videogan.cli import main; main()"
    )
    options = ["--count", "9", "--size", "32", "--shard", "0/1"]
    command = [sys.executable, "-c", code, "prepare", "moving-shapes", str(tmp_path / "out"), *options]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {tmp_path / 'out' / 'clips-000000.tar'}: cannot be written (File too large)")
    assert len(done.stderr.splitlines()) == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["shards.json"]
