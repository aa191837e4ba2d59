"""A real S3 server on this machine, and a wire to it that can be disturbed."""

import gc
import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal

import fsspec
from moto.server import ThreadedMotoServer

CUT_BYTES = 2_000
"""What still passes of an answer on a wire that is cut: what a store says of an object, and no clip."""


class Wire:
    """A TCP relay to a server, which passes everything, breaks off long answers, or lets nothing come back."""

    def __init__(self, server: tuple[str, int]) -> None:
        self.state: Literal["sound", "cut", "silent"] = "sound"
        self.cuts = 0
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Accept nothing any more."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):  # of the listener, once it is closed
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(self._server)
                except OSError:
                    client.close()
                    continue
                for source, target, answers in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self._pass_on, args=(source, target, answers), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        passed = 0
        with source, target, suppress(OSError):
            while piece := source.recv(1_000):
                passed = passed + len(piece) if len(piece) == 1_000 else 0
                if answers and self.state == "silent":
                    continue
                if answers and self.state == "cut" and passed > CUT_BYTES:
                    self.cuts += 1
                    for end in (source, target):
                        end.shutdown(socket.SHUT_RDWR)
                    return
                target.sendall(piece)


@contextmanager
def store_server() -> Iterator[tuple[str, Wire]]:
    """Start an empty S3 server; give its own address, and a wire to it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    wire = Wire((host, port))
    try:
        yield f"http://{host}:{port}", wire
    finally:
        close_sessions()
        wire.close()
        server.stop()


def close_sessions() -> None:
    """Close what s3fs keeps open for later, and let it read the environment anew."""
    store = fsspec.get_filesystem_class("s3")
    for files in list(store._cache.values()):
        if files._s3 is not None:
            fsspec.asyn.sync(files.loop, files._s3.__aexit__, None, None, None)
    store.clear_instance_cache()
    gc.collect()


def check_keys_from_now_on(address: str, *, checked: bool) -> None:
    """Let the server refuse the keys that it does not know, or take any again."""
    count = b"0" if checked else b"inf"
    request = urllib.request.Request(f"{address}/moto-api/reset-auth", count, {"Content-Type": "text/plain"})
    urllib.request.urlopen(request).close()
