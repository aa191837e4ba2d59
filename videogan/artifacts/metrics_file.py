"""metrics.jsonl: one row for each tick of a run."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from videogan.errors import UsageError
from videogan.files import open_for_append, parse_json, printable, read_bytes, write_text

Row = Mapping[str, float | int]

QUALITY = "tick_kernel_distance"
"""How near samples come to training clips at a tick. It is not the ``kernel_distance`` of ``videogan evaluate``: its
real clips are those of the first batches of training, and it has neither floor nor interval, so that it compares steps
of one run only."""
_QUALITY_NAMES = (QUALITY, "kernel_distance")
"""Its names in runs of today and of before; the figure was the same."""
_LARGEST = 1e300


def append_metrics(path: Path, row: Row) -> None:
    """Add one JSON line to a metrics file."""
    with open_for_append(path) as file:
        file.write(json.dumps({name: round(value, 6) for name, value in row.items()}) + "\n")


def read_metrics(path: Path) -> list[dict[str, float]]:
    """Return the rows of a metrics.jsonl, oldest first; a line that is none, such as half a last one, is left out.

    Raises:
        UsageError: the file cannot be read, or is none.
    """
    try:
        text = read_bytes(path).decode("utf-8", "replace")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(f"{printable(path)}: cannot be read ({error.strerror}); move it away") from None
    rows = []
    for line in text.splitlines():
        try:
            row = parse_json(line)
        except ValueError:
            continue
        if isinstance(row, dict) and type(row.get("step")) is int and 0 <= row["step"] < 2**63:
            rows.append({name: value for name, value in row.items() if _is_figure(value)})
    return rows


def _is_figure(value: Any) -> bool:
    """Tell whether a value is a finite number; a bool, to Python a number too, is none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -_LARGEST < value < _LARGEST


def drop_metrics_after(path: Path, step: int) -> None:
    """Remove rows beyond ``step``: they were written after the checkpoint that training resumes from."""
    rows = read_metrics(path)
    if rows:
        write_text(path, "".join(json.dumps(row) + "\n" for row in rows if row["step"] <= step))


def best_step(rows: Iterable[Mapping[str, float]]) -> tuple[int, float] | None:
    """Return the step with the lowest kernel distance in rows of metrics.jsonl, with that distance, or None."""
    measured = [(row[key], int(row["step"])) for row in rows for key in _QUALITY_NAMES if key in row]
    if not measured:
        return None
    value, step = min(measured)
    return step, value
