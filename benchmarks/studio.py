"""How fast the studio is: seconds to the first frame, frames/s to a viewer, and the processor time of each frame.

    python benchmarks/studio.py [--run RUN] [--viewers 1] [--seconds 5]

Starts `videogan studio`, opens players as the page does, asks for more frames than there can be, and then for the
model's own rate. Needs Linux, whose /proc tells the processor time of another process.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from PIL import Image
from websockets.sync.client import ClientConnection, connect

HEAD = 8


def main() -> None:
    """Measure as the options say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", default="videogan/pretrained/default.safetensors")
    parser.add_argument("--viewers", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    start = time.monotonic()
    command = [sys.executable, "-m", "videogan", "studio", options.run, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server, ExitStack() as viewers:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        print(f"page ready after {time.monotonic() - start:.1f} s")
        player, origin = f"{address.replace('http', 'ws')}play", address.rstrip("/")
        sockets = [viewers.enter_context(connect(player, origin=origin)) for _ in range(options.viewers)]
        rate = json.loads(sockets[0].recv())["model"]["frame_rate"]
        frame = next_frame(sockets[0])
        print(f"first frame after {time.monotonic() - start:.1f} s")
        for asked in (120, rate):
            measure(server.pid, sockets, asked, options.seconds)
        for name, size, seconds in encodings(frame):
            print(f"{name}: {size} bytes, {1000 * seconds:.2f} ms a frame")
        server.terminate()


def measure(process: int, sockets: list[ClientConnection], asked: float, seconds: float) -> None:
    """Print frames/s that arrive, and the processor time that they cost."""
    for socket in sockets:
        socket.send(json.dumps({"frame_rate": asked}))
        next_frame(socket)
    start, busy, frames = time.monotonic(), processor_seconds(process), 0
    while time.monotonic() - start < seconds:
        for socket in sockets:
            next_frame(socket)
            frames += 1
    spent, busy = time.monotonic() - start, processor_seconds(process) - busy
    each = frames / spent / len(sockets)
    share = f"{1000 * busy / frames:.1f} ms of one core a frame, {100 * busy / spent:.0f} % of a core in all"
    print(f"asked for {asked:g} frames/s: {each:.1f} to each of {len(sockets)} viewers, {share}")


def next_frame(socket: ClientConnection) -> np.ndarray:
    """Wait for a frame, confirm it, and return it: uint8 ``h w c``."""
    while isinstance(data := socket.recv(), str):
        pass
    head = np.frombuffer(data[:HEAD], np.uint16)
    socket.send(json.dumps({"seen": int(np.frombuffer(data[:4], np.uint32)[0])}))
    return np.frombuffer(data[HEAD:], np.uint8).reshape(head[2], head[3], 3)


def processor_seconds(process: int) -> float:
    """Return the processor time that a process has had, in seconds."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def encodings(frame: np.ndarray, times: int = 50) -> list[tuple[str, int, float]]:
    """Return what a frame could be sent as: name, bytes, and seconds to encode it."""
    rows = [("bare RGB", frame.nbytes, 0.0)]
    for kind in ("JPEG", "WEBP", "PNG"):
        start = time.monotonic()
        for _ in range(times):
            file = io.BytesIO()
            Image.fromarray(frame).save(file, kind)
        rows.append((kind, file.tell(), (time.monotonic() - start) / times))
    return rows


if __name__ == "__main__":
    main()
