"""The studio as a program: what it says, where it listens, and how it ends."""

import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

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


@contextmanager
def running(folder: Path, weights: Path, *options: str) -> Iterator[str]:
    """A studio of its own process, whose address is given, and which must end well with nothing left behind."""
    command = [sys.executable, "-m", "videogan", "studio", str(weights), "--port", "0", *options]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "", "TMPDIR": str(folder)}
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
            assert process.wait(60) == 143
    assert not list(folder.glob("videogan-studio-*"))


def answer(port: int, request: bytes) -> str:
    """The status of what the studio says to bytes, whatever they are."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request)
        return connection.recv(100).decode().split(" ")[1]


@pytest.mark.slow
def test_whatever_is_sent_gets_an_answer_and_nothing_else(tmp_path, weights):
    with running(tmp_path, weights) as address:
        host = address.split("/")[2]
        port = int(host.split(":")[1])

        def get(path: str, more: str = "", method: str = "GET") -> str:
            return answer(port, f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n".encode())

        assert get("/") == "200"
        assert get("/", f"X: {'a' * 200_000}\r\n") == "400"
        assert get("/", "Host: evil.example\r\n") == "400"
        assert answer(port, b"GET / HTTP/1.1\r\n\r\n") == "400"
        assert answer(port, b"\x16\x03\x01" + bytes(300)) == "400"
        for path in ("/static/../app.py", "/static/../../../../etc/passwd", "/static/%00", "/api/videos/%00.mp4"):
            assert get(path) == "404", path
        assert get("/api/videos", method="PUT") == "405"
        with connect(f"ws://{host}/play", origin=f"http://{host}") as player:
            player.send("x" * 100_000)
            with pytest.raises(ConnectionClosedError, match="1009"):
                while True:
                    player.recv(timeout=20)
        with connect(f"ws://{host}/play", origin=f"http://{host}") as player:
            assert "model" in player.recv(timeout=20), "others play on"


@pytest.mark.slow
def test_another_address_prints_a_token_and_wants_it(tmp_path, weights):
    with running(tmp_path, weights, "--host", "0.0.0.0") as printed:
        address = printed.replace("0.0.0.0", "127.0.0.1")
        without, _, token = address.partition("?token=")
        assert len(token) == 32
        for wrong in (without, f"{without}?token={token[:-1]}"):
            with pytest.raises(urllib.error.HTTPError, match="401"):
                urllib.request.urlopen(wrong)
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        assert b"videogan studio" in opener.open(address).read()
        assert opener.open(f"{without}api/models").status == 200
