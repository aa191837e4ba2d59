"""The studio as a program: what it says, where it listens, and how it ends."""

import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from videogan.errors import MissingPathError, UsageError
from videogan.studio.server import serve

ROOT = Path(__file__).parents[2]


def test_an_address_that_cannot_be_listened_on_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"127.0.0.1:{port}: cannot be listened on"):
            serve(port=port)
    with pytest.raises(UsageError, match="must be from 0 to 65535"):
        serve(port=70000)
    with pytest.raises(UsageError, match="cannot be listened on"):
        serve(host="no such host", port=0)


def test_a_run_that_is_not_there_is_told():
    with pytest.raises(MissingPathError, match="nowhere: no such run"):
        serve("nowhere", port=0)


def test_what_is_not_installed_is_told_with_the_way_to_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(UsageError, match=r"pip install 'videogan\[studio\]'"):
        serve(port=0)


@pytest.mark.slow
def test_it_serves_beside_a_training_and_ends_with_it(tmp_path):
    code = (
        "import urllib.request, videogan\n"
        "with videogan.serve_beside() as address:\n"
        "    print(address, urllib.request.urlopen(address).status, flush=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=200,
        check=True,
    )
    address, status = done.stdout.split()
    assert status == "200"
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(address, timeout=5)


@pytest.mark.slow
def test_another_address_prints_a_token_and_wants_it(tmp_path, weights):
    command = [sys.executable, "-m", "videogan", "studio", str(weights), "--host", "0.0.0.0", "--port", "0"]
    with subprocess.Popen(
        command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": ""}, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip().replace("0.0.0.0", "127.0.0.1")
            without, _, token = address.partition("?token=")
            assert len(token) == 32
            with pytest.raises(urllib.error.HTTPError, match="401"):
                urllib.request.urlopen(without)
            with pytest.raises(urllib.error.HTTPError, match="401"):
                urllib.request.urlopen(f"{without}?token={token[:-1]}")
            opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
            assert b"videogan studio" in opener.open(address).read()
            assert opener.open(f"{without}api/models").status == 200
        finally:
            process.terminate()
            assert process.wait(60) == 143
