"""Rows of metrics: one for each tick of a run, in metrics.jsonl and in words."""

import json
from collections.abc import Mapping
from pathlib import Path

from videogan.files import open_for_append, write_text

Row = Mapping[str, float | int]


def append_metrics(path: Path, row: Row) -> None:
    """Add one JSON line to a metrics file."""
    with open_for_append(path) as file:
        file.write(json.dumps({name: round(value, 6) for name, value in row.items()}) + "\n")


def read_metrics(path: Path) -> list[dict[str, float]]:
    """Return the rows of a metrics.jsonl, oldest first; a line that is none, such as half a last one, is left out."""
    rows = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict) and isinstance(row.get("step"), int):
            rows.append({name: value for name, value in row.items() if isinstance(value, int | float)})
    return rows


def drop_metrics_after(path: Path, step: int) -> None:
    """Remove rows beyond ``step``: they were written after the checkpoint that training resumes from."""
    if not path.exists():
        return
    write_text(path, "".join(json.dumps(row) + "\n" for row in read_metrics(path) if row["step"] <= step))


def in_words(row: Row) -> str:
    """Return the rate and the sums of the generator's and the discriminators' losses."""
    generator = sum(value for name, value in row.items() if name.startswith("generator_"))
    discriminators = sum(value for name, value in row.items() if name.endswith("_loss"))
    parts = [f"{row['clips_per_second']:.1f} clips/s", f"generator {generator:.3f}"]
    parts.append(f"discriminators {discriminators:.3f}")
    if "reconstruction" in row:
        parts.append(f"reconstruction {row['reconstruction']:.3f}")
    return "  ".join(parts)


def duration(seconds: float) -> str:
    """Write seconds as ``1:02:03`` or ``4:05``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
