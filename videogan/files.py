"""Files on disk: whole writes, JSON, locks, names that can be printed and sorted, and work on many files at once."""

import errno
import hashlib
import json
import math
import os
import re
import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any, TextIO, TypeVar

import platformdirs

from videogan.errors import MissingPathError, UsageError
from videogan.parts import part_of

Progress = Callable[[int, int], None]
"""Called with how many items are done and how many there are."""

TaskProgress = Callable[..., None]
"""Called with what is being done, how much of it is done and how much there is, and perhaps a few words."""

T = TypeVar("T")
R = TypeVar("R")
_DIGITS = re.compile(r"(\d+)")


def sync(path: Path) -> None:
    """Force a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Replace a text file as :func:`write_bytes` does."""
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_bytes(path: Path, content: bytes) -> None:
    """Replace a file in one move, so that a reader never sees half of it.

    Raises:
        OSError: there is no room or no permission; an earlier file is still there, and nothing else.
    """
    part = part_of(path)
    try:
        part.write_bytes(content)
        sync(part)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def check_destination(path: Path, *, overwrite: bool, folder: bool = False) -> None:
    """Check that a file can be written to ``path``, or with ``folder`` a folder; nothing is made.

    Raises:
        MissingPathError: its folder does not exist.
        UsageError: it exists and may not be overwritten, is neither a file nor a link, or its folder is read-only.
    """
    if not path.parent.is_dir():
        raise MissingPathError(f"{path.parent}: no such folder; make it first")
    if os.path.lexists(path):
        if not (path.is_file() or path.is_symlink() or (folder and path.is_dir())):
            raise UsageError(f"{path} is not a regular file; choose another name")
        if not overwrite:
            raise UsageError(f"{path} exists; use --yes to replace it, or another name")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise UsageError(f"{path.parent}: no permission to write here; choose another folder")


def write_json(path: Path, content: Any, *, indent: int | None = 2) -> None:
    """Replace a JSON file, in ASCII, as :func:`write_bytes` does."""
    write_text(path, json.dumps(content, indent=indent) + "\n")


MAX_TEXT_BYTES = 2**26
"""Largest text file that is read: 64 MiB, some 100,000 ticks of metrics."""


def check_regular(path: Path) -> int:
    """Return the size in bytes of a file; OSError as :func:`open_regular`."""
    with open_regular(path) as descriptor:
        return os.fstat(descriptor).st_size


def read_bytes(path: Path, *, limit: int = MAX_TEXT_BYTES) -> bytes:
    """Return the content of a regular file of at most ``limit`` bytes.

    Raises:
        OSError: as :func:`open_regular`, or it is larger, of which nothing is read.
    """
    with open_regular(path) as descriptor, os.fdopen(descriptor, "rb", closefd=False) as file:
        if os.fstat(descriptor).st_size > limit:
            raise OSError(errno.EFBIG, f"larger than {limit >> 20} MiB")
        return file.read(limit)


@contextmanager
def open_regular(path: Path) -> Iterator[int]:
    """Give the descriptor of a regular file, open for reading; links are followed.

    Raises:
        OSError: there is none, it may not be read, or it is a folder, a pipe or a device, which is never waited for.
    """
    # O_NONBLOCK: to open a named pipe would wait for ever.
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError as error:  # a NUL in the name
        raise OSError(errno.EINVAL, str(error)) from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        yield descriptor
    finally:
        os.close(descriptor)


def parse_json(text: str | bytes) -> Any:
    """Return the content of JSON from anywhere.

    Raises:
        ValueError: it is none, or nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def load_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        OSError: as :func:`read_bytes`.
        ValueError: it is no JSON.
    """
    return parse_json(read_bytes(path))


def read_json(path: Path) -> Any:
    """Return what :func:`write_json` wrote; None where the file is absent, unreadable or damaged."""
    try:
        return load_json(path)
    except (OSError, ValueError):
        return None


def write_derived(path: Path, content: Any) -> None:
    """Replace a JSON file of what can be worked out again, with a hash by which damage shows."""
    write_json(path, {"sha256": _json_hash(content), "content": content}, indent=None)


def read_derived(path: Path) -> Any:
    """Return what :func:`write_derived` wrote; None where the file is absent, unreadable, damaged or another."""
    file = read_json(path)
    whole = isinstance(file, dict) and "content" in file and file.get("sha256") == _json_hash(file["content"])
    return file["content"] if whole else None


def _json_hash(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def open_for_append(path: Path) -> TextIO:
    """Open a text file (UTF-8) to write at its end, making it if there is none.

    A link is not followed: in a folder that others may write to, it would choose which file of the user's is changed.

    Raises:
        UsageError: ``path`` is a link or no regular file, or it cannot be opened.
    """
    # O_NONBLOCK: to open a named pipe would wait for ever.
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        reason = "it is a link" if error.errno == errno.ELOOP else error.strerror
        raise UsageError(f"{printable(path)}: cannot be opened for writing ({reason}); remove or rename it") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UsageError(f"{printable(path)}: cannot be written (it is no regular file); remove or rename it")
    return os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")


@contextmanager
def file_lock(path: Path, *, shared: bool = False, on_wait: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold a lock file, left as it is, until the block or the process ends, however it ends.

    Args:
        path: the file, made where there is none.
        shared: hold it together with others that do so.
        on_wait: called before waiting for another process; None does not wait.

    Raises:
        BlockingIOError: another process holds it, and there is no ``on_wait``.
        UsageError: the file cannot be opened (see :func:`open_for_append`).
    """
    import fcntl

    with open_for_append(path) as file:
        how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if on_wait is None:
                raise
            on_wait()
            fcntl.flock(file, how)
        yield


def cache_root(cache_dir: str | os.PathLike[str] | None) -> Path:
    """Return where caches live: ``cache_dir`` (``data.cache_dir``), by default the user's cache folder."""
    try:
        return Path(cache_dir).expanduser() if cache_dir else Path(platformdirs.user_cache_dir("videogan"))
    except RuntimeError:  # ~ of somebody that there is not
        raise UsageError(f"data.cache_dir={os.fspath(cache_dir or '~')!r}: there is no such home folder") from None


def printable(name: str | os.PathLike[str]) -> str:
    """Return a file name on one line of valid text, whatever bytes it is made of."""
    try:
        text = os.fsencode(name).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # a lone surrogate, which no file name has
        text = os.fsdecode(name)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def natural_key(name: str) -> tuple[list[tuple[int, str]], str]:
    """Sort key by which ``clip2`` comes before ``clip10``; never calls two different names equal."""
    parts = _DIGITS.split(name)
    return [(int(part), "") if part.isdecimal() and part.isascii() else (-1, part.casefold()) for part in parts], name


def usable_cores(root: Path = Path("/")) -> int:
    """Return how many processors this process may use: those that it is pinned to, and no more than its cgroups' quota.

    Args:
        root: where ``proc`` and ``sys`` are.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return math.ceil(min([cores, *_cpu_quotas(root)]))


def _cpu_quotas(root: Path) -> Iterator[float]:
    """Yield the processors that each cgroup around this process allows: of version 2, and of version 1."""
    groups = root / "sys" / "fs" / "cgroup"
    try:
        lines = (root / "proc" / "self" / "cgroup").read_text().splitlines()
    except OSError:
        lines = []
    for hierarchy, controllers, name in (line.split(":", 2) for line in lines if line.count(":") >= 2):
        own = PurePosixPath(name.strip("/"))
        for folder in (own, *own.parents) if hierarchy == "0" or "cpu" in controllers.split(",") else ():
            v1 = [groups / "cpu" / folder / f"cpu.cfs_{what}_us" for what in ("quota", "period")]
            files = [groups / folder / "cpu.max"] if hierarchy == "0" else v1
            with suppress(OSError, ValueError, ZeroDivisionError):  # no limit: no file, "max" or -1
                quota, period = (int(word) for file in files for word in file.read_text().split())
                yield quota / period if quota > 0 else math.inf


def map_in_threads(
    work: Callable[[T], R],
    items: Sequence[T],
    *,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> list[R]:
    """Apply ``work`` to every item by a thread for each usable processor; results in the order of ``items``.

    Threads and not processes: FFmpeg decodes and scales without the interpreter's lock. The first exception, of an
    item, of ``progress`` or a signal's, cancels what has not begun, sets ``stop``, on which long work should end, and
    is raised once nothing runs any more.
    """
    with ThreadPoolExecutor(usable_cores()) as pool:
        numbers = {pool.submit(work, item): number for number, item in enumerate(items)}
        results: dict[int, R] = {}
        try:
            for future in as_completed(numbers):
                results[numbers[future]] = future.result()
                if progress is not None:
                    progress(len(results), len(items))
        except BaseException:
            if stop is not None:
                stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    return [results[number] for number in range(len(items))]
