"""Damaged copies of good files, and what reading them may come to."""

import copy
import json
import random
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from videogan.errors import VideoganError

EXAMPLES = [
    pytest.param(0.02, id="few"),
    pytest.param(1.0, id="many", marks=[pytest.mark.slow, pytest.mark.timeout(1800)]),
]
"""Shares of the cases of a test that are tried."""

SECONDS = 5
MEGABYTES = 1024

STRANGE = [
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63), 10**40, 10**400),
    *(0.5, -0.0, 1e-300, 1e300, float("nan"), float("inf"), float("-inf")),
    *("", "x", "0", "-1", "1/0", "1e999", "1e3000000000", "9" * 5000, "x" * 3000, "../../x", "/dev/zero", "~nobody"),
    *("\0", "\n\n", "\x1b[2J", "\ud800", "é", "%s%n{}", "<svg onload=x>", "(a+)+", "auto", "inf", "2025-01-01"),
    *([], {}, [[]], [None], [1, 2, 3], {"": 0}, {"a": {"b": {"c": []}}}, [[1.5]] * 3),
]


@contextmanager
def _limits() -> Iterator[None]:
    """End what uses more than SECONDS of this process's time, or more memory than MEGABYTES beyond what there was."""

    def too_long(number: int, frame: object) -> None:
        raise AssertionError(f"more than {SECONDS} s")

    before, former = _peak(), signal.signal(signal.SIGVTALRM, too_long)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, former)
    assert _peak() - before < MEGABYTES, f"more than {MEGABYTES} MB"


def _peak() -> int:
    """Megabytes that this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def try_all(strategy: st.SearchStrategy[Any], check: Callable[[Any], object], count: float) -> int:
    """Give a check ``count`` values, the same ones each time; it may only return, or refuse them in one line."""
    tried = 0

    @settings(
        max_examples=max(5, round(count)),
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # a failing value is shown as it is: making it small would take minutes
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def run(value: Any) -> None:
        nonlocal tried
        tried += 1
        with _limits():
            try:
                check(value)
            except VideoganError as error:
                assert error.exit_code in (2, 3, 4), error
                assert str(error).strip()

    run()
    return tried


def changed_trees(tree: Any) -> st.SearchStrategy[Any]:
    """Copies of nested dictionaries and lists in which up to three values are strange, gone, doubled or exchanged."""
    return st.builds(
        _changed, st.just(tree), st.lists(st.tuples(st.integers(0, 9999), CHANGES), min_size=1, max_size=3)
    )


_RENAMED = st.sampled_from(["", "x", "step", "version", "kind", "__class__", "\0"])
CHANGES = st.one_of(
    st.tuples(st.just("value"), st.sampled_from(STRANGE)),
    st.tuples(st.just("value"), st.integers() | st.floats() | st.text(max_size=20)),
    st.tuples(st.just("gone"), st.none()),
    st.tuples(st.just("key"), _RENAMED),
    st.tuples(st.just("deep"), st.sampled_from([3, 100])),
    st.tuples(st.just("other"), st.integers(0, 9999)),
)


def _changed(tree: Any, changes: list[tuple[int, tuple[str, Any]]]) -> Any:
    root = {"": copy.deepcopy(tree)}
    for number, (kind, value) in changes:
        places = list(_places(root))
        holder, key = places[number % len(places)]
        if kind == "value":
            holder[key] = copy.deepcopy(value)
        elif kind == "gone" and holder is not root:
            del holder[key]
        elif kind == "key" and isinstance(holder, dict) and holder is not root:
            holder[value] = holder.pop(key)
        elif kind == "deep":
            for _ in range(value):
                holder[key] = [holder[key]]
        elif kind == "other":
            other_holder, other_key = places[value % len(places)]
            holder[key] = copy.deepcopy(other_holder[other_key])
    return root.get("")


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    keys = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in list(keys):
        yield tree, key
        if isinstance(value, dict | list):
            yield from _places(value)


def as_json(tree: Any) -> bytes:
    """Return JSON of any tree, such as no program would write it."""
    return json.dumps(tree).encode("utf-8", "surrogatepass")


def damaged(data: bytes) -> st.SearchStrategy[bytes]:
    """Copies of a file with flipped bits, overwritten, cut, doubled and inserted parts."""
    return st.builds(_damaged, st.just(data), st.integers(0, 2**32), st.integers(1, 6))


def _damaged(data: bytes, seed: int, count: int) -> bytes:
    draw, result = random.Random(seed), bytearray(data)
    for _ in range(count):
        at, length = draw.randrange(len(result) + 1), draw.choice((1, 1, 1, 2, 4, 8, 64, len(data) // 4))
        kind = draw.choice(("flip", "flip", "set", "cut", "end", "double", "insert", "number"))
        if kind == "flip" and at < len(result):
            result[at] ^= 1 << draw.randrange(8)
        elif kind == "set":
            result[at : at + length] = bytes([draw.choice((0, 1, 127, 128, 255))]) * length
        elif kind == "cut":
            del result[at : at + length]
        elif kind == "end":
            del result[max(at, 1) :]
        elif kind == "double":
            result[at:at] = result[at : at + length]
        elif kind == "insert":
            result[at:at] = draw.randbytes(length % 65)
        elif kind == "number":
            result[at : at + 4] = draw.choice((1, 2**16, 2**31 - 1, 2**31, 2**32 - 1)).to_bytes(
                4, draw.choice(("big", "little"))
            )
        if not result:
            result = bytearray(b"\0")
    return bytes(result)
