"""The errors that a user can meet, each with the exit code that the command line gives it.

VideoganError
├── UsageError (ValueError)             2  a wrong argument, option or config value
│   └── MissingPathError (FileNotFoundError)   a path that does not exist
├── DataError (ValueError)              3  a folder without a usable video
│   └── VideoError                         one video that cannot be read, with the reason
│       ├── NotAVideoError                 a file that was never meant to be one, such as a thumbnail
│       └── TransferError                  a video that a store did not give this time
├── CheckpointError (ValueError)        4  weights or a checkpoint that cannot be used
├── DivergedError (ArithmeticError)     5  training produced values that are not finite
└── Interrupted                    129, 130, 143  stopped by SIGHUP, Ctrl-C or SIGTERM, after saving

A message is one line: what is wrong, where, and what to do about it.
"""

import difflib
from collections.abc import Iterable


class VideoganError(Exception):
    """Base of every error that is the user's to mend; anything else that escapes is a bug."""

    exit_code = 1


class UsageError(VideoganError, ValueError):
    """A wrong argument, option or config value."""

    exit_code = 2


class MissingPathError(UsageError, FileNotFoundError):
    """A path that does not exist."""


class DataError(VideoganError, ValueError):
    """Videos that exist but cannot be used."""

    exit_code = 3


class VideoError(DataError):
    """One video that cannot be read; ``reason`` says why, without the path."""

    def __init__(self, path: object, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class NotAVideoError(VideoError):
    """A file that was never meant to be a video, whatever its name: a thumbnail, a source text."""


class TransferError(VideoError):
    """A video that the store which holds it breaks off to give; another time it may be whole."""


class CheckpointError(VideoganError, ValueError):
    """Weights or a checkpoint that cannot be used."""

    exit_code = 4


class DivergedError(VideoganError, ArithmeticError):
    """Training produced values that are not finite."""

    exit_code = 5


class Interrupted(VideoganError):
    """Work was stopped by a signal, and what was done so far is saved."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


def wants_memory(error: BaseException) -> bool:
    """Tell whether an error is the machine's or torch's of memory that there is none of."""
    words = ("can't allocate memory", "cannot allocate memory", "not enough memory", "out of memory", "failed to map")
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError | ImportError) and any(text in str(error).lower() for text in words)
    )


def reason_of(error: BaseException) -> str:
    """Return the first line of what the system or a library says of an error; its kind where nothing is said."""
    lines = str(getattr(error, "strerror", None) or error).strip().splitlines()
    return " ".join(lines[0].split()) if lines else type(error).__name__


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the nearest of the choices, or an empty string."""
    near = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""
