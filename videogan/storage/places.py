"""Reads pieces of files on a local disk, and of objects in a store, by whatever URL fsspec opens."""

import hashlib
import os
import re
from pathlib import Path, PosixPath
from typing import Any

from videogan.errors import MissingPathError, TransferError, UsageError, reason_of

TIME_LIMIT = 30
"""Seconds that a store has for each answer, the new tries of its library among them."""

_PROTOCOL = re.compile(r"([a-z][a-z0-9+.:-]+:)(?:/+|$)")
# What changes with the content of an object, the surest first; each store has some of them.
_MARKS = ("ETag", "etag", "generation", "md5Hash", "Content-MD5", "LastModified", "Last-Modified", "mtime", "created")


class RemotePath(PosixPath):
    """The place of an object in a store: a path whose first part is the protocol, and whose text is the URL.

    Nothing of that name lies on a local disk, so ``exists()`` and ``is_dir()`` are false.
    """

    def __str__(self) -> str:
        return _PROTOCOL.sub(r"\1//", super().__str__(), count=1)

    def resolve(self, strict: bool = False) -> "RemotePath":
        """Return the path: a URL is never relative."""
        return self

    def absolute(self) -> "RemotePath":
        """Return the path: a URL is never relative."""
        return self


def as_place(given: str | os.PathLike[str]) -> Path:
    """Return a path, which is a :class:`RemotePath` where it begins with a protocol, as in ``s3://bucket/a.tar``.

    ``s3:/bucket/a.tar``, as pathlib writes that, is the same; a local folder of the name ``s3:`` comes first.
    ``file:///data/a.tar`` is the local file.
    """
    text = os.fspath(given)
    start = _PROTOCOL.match(text)
    if start and start[1] == "file:":
        return Path(f"/{text[start.end() :]}")
    return RemotePath(text) if start and not os.path.lexists(start[1]) else Path(text)


def stamp_of_file(place: Path) -> tuple[int, int]:
    """Return size in bytes and a mark that changes with the content: the time of change (ns), or a hash of the ETag.

    Raises:
        OSError: a local file cannot be read.
        UsageError: as :func:`read`.
    """
    if not isinstance(place, RemotePath):
        status = place.stat()
        return status.st_size, status.st_mtime_ns
    about = _Store(place).ask("info")
    mark = next((f"{name} {about[name]}" for name in _MARKS if about.get(name)), "")
    return int(about["size"] or 0), int.from_bytes(hashlib.blake2b(mark.encode(), digest_size=7).digest())


def read(place: Path, start: int, size: int) -> bytes:
    """Return ``size`` bytes from ``start`` on, or fewer where the file ends before.

    Raises:
        OSError: a local file cannot be read.
        MissingPathError: there is no such file or object.
        UsageError: the store cannot be reached, does not answer in time, or refuses.
        TransferError: the store answers, but breaks off whenever it gives this piece.
    """
    if isinstance(place, RemotePath):
        return _Store(place).read(start, size)
    try:
        with place.open("rb") as file:
            file.seek(start)
            return file.read(size)
    except FileNotFoundError:
        raise MissingPathError(f"{place}: no such file") from None


def find(place: RemotePath, suffix: str) -> list[RemotePath]:
    """Return the objects of a suffix that match the pattern of a URL, or lie below it, in order.

    One that has the suffix itself is not looked for.

    Raises:
        UsageError: as :func:`read`; there is none.
    """
    store = _Store(place)
    store.forget()
    pattern = any(sign in str(place) for sign in "*?[")
    if not pattern and place.suffix.lower() == suffix:
        return [place]
    names = [name for name in store.ask("glob" if pattern else "find") if name.lower().endswith(suffix)]
    if not names:
        raise MissingPathError(f"{place}: no {suffix} there, which is all that is read from a store")
    protocol = str(place).split("://")[0]
    return sorted(RemotePath(f"{protocol}://{name.split('://')[-1].lstrip('/')}") for name in names)


class _Store:
    """The file system of fsspec that an object lies in, with its failures told in one line."""

    def __init__(self, place: RemotePath) -> None:
        import fsspec

        self._place = place
        try:
            self._files, self._path = fsspec.core.url_to_fs(str(place))
        except ImportError as error:
            brings = "`pip install 'videogan[remote]'` brings S3 and Google's"
            raise UsageError(f"{place}: {reason_of(error)}; {brings}") from None
        except ValueError as error:
            raise UsageError(f"{place}: {reason_of(error)}") from None
        self._limit = {"timeout": TIME_LIMIT} if self._files.async_impl else {}

    def forget(self) -> None:
        """Forget what was listed before."""
        self._files.invalidate_cache()

    def ask(self, method: str) -> Any:
        """Return what a method of the file system says of the place; UsageError where it fails."""
        try:
            return self._call(method)
        except Exception as error:
            raise self._refusal(error) from error

    def read(self, start: int, size: int) -> bytes:
        """Return a piece, as :func:`read`; where that fails, the store is asked whether it is there at all."""
        try:
            piece: bytes = self._call("cat_file", start=start, end=start + size)
        except (FileNotFoundError, PermissionError) as error:
            raise self._refusal(error) from error
        except Exception as error:
            self.forget()
            if start + size > (self.ask("info")["size"] or 0):
                return b""
            reason = f"the store breaks off whenever it gives this ({_told(error)})"
            raise TransferError(self._place, reason) from error
        return piece

    def _call(self, method: str, **arguments: int) -> Any:
        return getattr(self._files, method)(self._path, **arguments, **self._limit)

    def _refusal(self, error: Exception) -> UsageError:
        if isinstance(error, FileNotFoundError):
            return MissingPathError(f"{self._place}: no such bucket or object; check the URL")
        what = "no permission to read it: " if isinstance(error, PermissionError) else ""
        return UsageError(
            f"{self._place}: {what}{_told(error)}; check address, network and credentials, and give the command again"
        )


def _told(error: Exception) -> str:
    return f"no answer within {TIME_LIMIT} seconds" if isinstance(error, TimeoutError) else reason_of(error).rstrip(".")
