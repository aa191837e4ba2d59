import json
import subprocess
import sys
from pathlib import Path

import videogan
from videogan import diagnosis
from videogan.artifacts.runs import SHIPPED

ROOT = Path(__file__).parents[1]


def wrong(findings):
    return {finding.name: finding for finding in findings if not finding.ok}


def test_a_machine_that_runs_the_tests_has_what_is_needed():
    done = subprocess.run([sys.executable, "cli.py", "doctor", "--json"], cwd=ROOT, capture_output=True, text=True)
    findings = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert done.returncode == 0
    assert all(finding["ok"] for finding in findings.values())
    assert {"torch", "3D convolutions", ".mp4 files", "the model that comes along"} <= set(findings)


def test_a_damaged_model_is_wrong_and_the_fix_is_said(tmp_path, monkeypatch):
    damaged = tmp_path / "default.safetensors"
    content = bytearray(SHIPPED.read_bytes())
    content[-1000] ^= 0x40
    damaged.write_bytes(content)
    monkeypatch.setattr(diagnosis, "SHIPPED", damaged)
    (finding,) = wrong(videogan.doctor()).values()
    assert finding.name == "the model that comes along"
    assert "reinstall" in finding.fix


def test_an_encoder_that_ffmpeg_lacks_and_a_disk_without_room_are_wrong(monkeypatch):
    monkeypatch.setitem(diagnosis.ENCODERS, "no-such-encoder", ".xyz")
    monkeypatch.setattr(diagnosis, "ROOM", 1e12)
    assert set(wrong(videogan.doctor())) == {".xyz files", "disk for runs", "disk for the clip cache"}
