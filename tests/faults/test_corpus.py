"""Real files of every kind, whole and broken: each must give what the manifest says, without a crash or a hang."""

import csv
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

SHARED = Path(os.environ.get("VIDEOGAN_SHARED") or Path(__file__).parents[2] / ".." / "shared")
CORPUS = SHARED / "corpus"
REPOSITORY = Path(__file__).parents[2]

csv.field_size_limit(10**7)


def manifest() -> list[dict[str, str]]:
    if not (CORPUS / "manifest.tsv").is_file():
        return []
    with (CORPUS / "manifest.tsv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


ROWS = manifest()
needs_corpus = pytest.mark.skipif(not ROWS, reason=f"no corpus in {CORPUS} (set VIDEOGAN_SHARED)")

WORKER = """
import json, resource, sys
import numpy as np
from videogan.errors import VideoganError
from videogan.video import VideoReader, probe

def weights(length, cells=4):
    edges = np.linspace(0, length, cells + 1)
    pixels = np.arange(length)
    covered = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return (covered.clip(0) / (length / cells)).astype(np.float32)

def area_grid(frame):
    # Row by row, so that the memory is that of the reader.
    narrow = np.stack([weights(frame.shape[1]) @ row for row in frame])
    return np.einsum("ih,hjc->ijc", weights(frame.shape[0]), narrow)

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

idle = peak()
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    path = json.loads(line)
    try:
        info = probe(path)
        with VideoReader(path) as reader:
            first, start = next(reader.frames()), reader.timestamps[0]
        answer = {"status": info.status, "reason": info.reason, "frames": info.num_frames,
                  "size": f"{info.width}x{info.height}", "read": f"{first.shape[1]}x{first.shape[0]}",
                  "rate": float(info.frame_rate), "start": start, "colours": area_grid(first).tolist()}
    except VideoganError as error:
        answer = {"status": "rejected", "reason": str(error)}
    answer["memory"] = peak() - idle
    print(json.dumps(answer), flush=True)
"""


class Worker:
    """A process of its own that probes files, so that a crash or a hang is the file's failure only."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None

    def ask(self, path: Path, seconds: float = 10.0) -> dict[str, object]:
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(
                [sys.executable, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
            )
            self._answer(60)
        assert self.process.stdin
        self.process.stdin.write(json.dumps(str(path)) + "\n")
        self.process.stdin.flush()
        return self._answer(seconds)

    def _answer(self, seconds: float) -> dict[str, object]:
        assert self.process
        assert self.process.stdout
        # Four times as long before giving up, so that a busy machine does not look like a hang.
        if not select.select([self.process.stdout], [], [], 4 * seconds)[0]:
            self.close()
            pytest.fail("hangs")
        line = self.process.stdout.readline()
        if not line:
            pytest.fail(f"crashed with exit code {self.process.wait()}")
        answer: dict[str, object] = json.loads(line)
        return answer

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.close()


def expected_counts(row: dict[str, str]) -> set[str]:
    return {row[key] for key in ("ffmpeg5_frames", "ffmpeg9_frames", "header_frames") if row[key].isdigit()}


@needs_corpus
@pytest.mark.parametrize("row", ROWS or [{}], ids=lambda row: row.get("file", "none"))
def test_file(row: dict[str, str], worker: Worker) -> None:
    path = CORPUS / "files" / row["file"]
    if not path.exists():
        pytest.skip(f"{row['file']} is not there")
    answer = worker.ask(path)
    assert int(str(answer["memory"])) < 2**30
    if row["policy"].startswith("reject") or row["policy"] == "limit":
        assert answer["status"] == "rejected"
        assert answer["reason"]
    elif row["policy"] == "ok":
        assert answer["status"] in ("ok", "salvaged"), answer
        check_facts(row, answer)
    else:
        assert answer["status"] != "rejected" or answer["reason"]
        if answer["status"] != "rejected" and row["policy"] == "salvage":
            assert int(str(answer["frames"])) <= max(map(int, expected_counts(row)))


def check_facts(row: dict[str, str], answer: dict[str, object]) -> None:
    assert str(answer["frames"]) in expected_counts(row)
    assert answer["read"] == answer["size"]
    if row["sar"] in ("", "1:1", "N/A", "0:1"):
        assert answer["size"] == row["display_wh"]
    grid = bytes.fromhex(row["first_frame_4x4_rgb"])
    # An edit list may leave frames before time zero; these are decoded and counted, but were not taken for the colours.
    if len(grid) == 48 and float(str(answer["start"])) >= 0:
        expected = np.frombuffer(grid, np.uint8).reshape(4, 4, 3).astype(float)
        shown = np.array(answer["colours"])
        off = np.abs(shown - expected).max()
        if off > 8 and row["transfer"] in ("arib-std-b67", "smpte2084"):
            # The grid holds codes, which look flat on an ordinary display; what we show has the same hues, stronger.
            assert np.corrcoef(shown.ravel(), expected.ravel())[0, 1] > 0.9
        else:
            assert off <= 8


@needs_corpus
def test_file_system_faults(worker: Worker, tmp_path: Path) -> None:
    script = CORPUS / "make_fs_cases.py"
    good = next(CORPUS / "files" / row["file"] for row in ROWS if row["file"].endswith("h265_video.mp4"))
    subprocess.run([sys.executable, str(script), str(good), str(tmp_path)], check=True)
    expected = worker.ask(good)
    for line in (tmp_path / "expect.tsv").read_text(encoding="utf-8").splitlines():
        name, _, outcome = line.partition("\t")
        if "permission" in outcome:
            continue
        start = time.monotonic()
        answer = worker.ask(tmp_path / eval(name))
        assert time.monotonic() - start < 8
        if outcome.startswith("ok"):
            assert (answer["status"], answer["frames"]) == ("ok", expected["frames"]), name
        else:
            assert answer["status"] == "rejected", name
            assert answer["reason"], name


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become someone else")
def test_what_may_not_be_read_or_written() -> None:
    # Not under tmp_path, which nobody but its owner may enter.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "secret.mp4").write_bytes(b"x" * 100)
        (folder / "secret.mp4").chmod(0)
        code = (
            "import os, sys\nfrom videogan.errors import VideoganError\nfrom videogan.video import VideoWriter, probe\n"
            "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
            "for do in (lambda: probe(sys.argv[1] + '/secret.mp4'), lambda: VideoWriter(sys.argv[1] + '/new.mp4')):\n"
            "    try:\n        do()\n    except VideoganError as error:\n        print(error.exit_code, error)\n"
        )
        run = subprocess.run(
            [sys.executable, "-c", code, name], cwd=REPOSITORY, capture_output=True, text=True, check=True
        )
    read, write = run.stdout.splitlines()
    assert read.startswith("3 ")
    assert "permission" in read
    assert write.startswith("2 ")
    assert "permission" in write
