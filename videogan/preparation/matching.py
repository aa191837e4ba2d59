"""Regular expressions from recipes, which may come from anywhere: some would go on for years."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence

from videogan.errors import UsageError

SECONDS, PATHS_PER_SECOND = 4, 50_000
"""How long one expression may take, and how many paths give it a second more; a good one takes a tenth of that."""

# Python's expressions cannot be stopped from outside, but a process can.
_PROGRAM = """
import json, re, sys
pattern, paths = json.load(sys.stdin)
matches = ((re.fullmatch if sys.argv[1] == "whole" else re.search)(pattern, path) for path in paths)
json.dump([match and match.groupdict() for match in matches], sys.stdout)
"""


def match_all(pattern: str, paths: Sequence[str], *, whole: bool) -> list[dict[str, str | None] | None]:
    """Return the named groups of an expression in each of the paths, or None where it does not match.

    Args:
        pattern: a regular expression that compiles.
        paths: texts.
        whole: whether the expression must match all of a path, or some of it.

    Raises:
        UsageError: it takes far longer than any that does not try the same over and over.
    """
    seconds = SECONDS + len(paths) // PATHS_PER_SECOND
    command = [sys.executable, "-I", "-S", "-c", _PROGRAM, "whole" if whole else "part"]
    try:
        done = subprocess.run(
            command, input=json.dumps([pattern, paths]), capture_output=True, text=True, timeout=seconds, check=True
        )
    except subprocess.TimeoutExpired:
        raise UsageError(
            f"the recipe's expression {pattern!r:.80} takes more than {seconds} s; write it without repetitions of "
            "repetitions, such as (a+)+"
        ) from None
    matches: list[dict[str, str | None] | None] = json.loads(done.stdout)
    return matches


def check_pattern(pattern: str) -> str:
    """Return a regular expression; ValueError where it is none, or nested too deeply."""
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else error
        raise ValueError(f"not a regular expression: {reason}") from None
    return pattern
