"""The report of an evaluation as a value: its figures and all that they depend on; read, compared, shown in columns."""

import math
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from videogan.errors import MissingPathError, UsageError
from videogan.files import printable, read_bytes

REPORT = "report.json"
_LARGEST = 1 << 24
"""Bytes of a report, at most; one of a thousand classes has a hundredth of that."""

Text = Annotated[str, Field(max_length=10_000)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Setting = bool | Annotated[int, Field(ge=-(2**63), lt=2**63)] | Number | Text | None
"""What a line of a protocol may be."""


@dataclass(frozen=True)
class Row:
    """One figure: of the generated set, of one half of the real set against the other, and what is good."""

    value: Number | None
    real_vs_real: Number | None
    goal: Text
    interval: tuple[Number, Number] | None = None

    def finite(self) -> "Row":
        """Return the row as a report can hold it: what is not a number is None."""
        value, floor = (x if x is not None and math.isfinite(x) else None for x in (self.value, self.real_vs_real))
        whole = self.interval is not None and all(map(math.isfinite, self.interval))
        return Row(value, floor, self.goal, self.interval if whole else None)

    def cells(self) -> tuple[str, str, str, str]:
        """Return value, floor, interval and goal as texts."""
        interval = " to ".join(map(_number, self.interval)) if self.interval else ""
        return _number(self.value), _number(self.real_vs_real), interval, self.goal


Rows = dict[Text, Row]
Figures = dict[Text, Number | None]
"""Values of metrics by name."""


class Report(BaseModel):
    """What ``evaluate`` returns, and what report.json holds.

    ``protocol`` is what figures depend on: two reports are comparable where theirs agree. ``references`` are figures of
    one half of the real set, as it is and spoilt, against the other; none in reports of before. ``versions`` names
    programs and machine, ``seconds`` what took how long.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    version: Literal[1] = 1
    created: Text
    real: Text
    generated: Text
    protocol: Annotated[dict[Text, Setting], Field(max_length=100)]
    versions: Annotated[dict[Text, Text], Field(max_length=100)]
    metrics: Annotated[Rows, Field(max_length=10_000)]
    references: Annotated[dict[Text, Figures], Field(max_length=100)] = {}
    warnings: Annotated[list[Text], Field(max_length=1_000)]
    seconds: Annotated[dict[Text, Number], Field(max_length=100)]

    def table(self) -> list[tuple[str, ...]]:
        """Return the figures as rows of cells, a heading first."""
        heading = ("metric", "value", "real against real", "95 % interval", "good is")
        return [heading, *((name, *row.cells()) for name, row in self.metrics.items())]

    def reference_table(self) -> list[tuple[str, ...]]:
        """Return the figures of generated clips and of references as rows of cells, a heading first; or nothing."""
        names = list(dict.fromkeys(name for figures in self.references.values() for name in figures))
        if not names:
            return []
        values = {name: self.metrics[name].value for name in names if name in self.metrics}
        sets = {"generated": values, **{f"real, {name}": figures for name, figures in self.references.items()}}
        rows = [(title, *(_number(figures.get(name)) for name in names)) for title, figures in sets.items()]
        return [("clips", *names), *rows]

    def lines(self) -> list[str]:
        """Return what was compared, the figures and those of references in columns, for a terminal."""
        # A report from anywhere may lack some of it.
        protocol = defaultdict(lambda: "?", self.protocol)
        about = (
            f"{self.generated} against {self.real}: {protocol['generated_clips']} and {protocol['real_clips']} clips "
            f"of {protocol['num_frames']} frames, {protocol['size']} x {protocol['size']}, "
            f"features {protocol['features']}"
        )
        references = columns(self.reference_table())
        return [printable(about), *columns(self.table()), *([""] if references else []), *references]


@dataclass(frozen=True)
class Pair:
    """One figure of two reports, with the floor of the real set."""

    a: float | None
    b: float | None
    real_vs_real: float | None
    goal: str


@dataclass(frozen=True)
class Comparison:
    """Two reports of one protocol side by side: their names, the figures that both have, and notes."""

    a: str
    b: str
    metrics: dict[str, Pair]
    notes: list[str]

    def lines(self) -> list[str]:
        """Return the figures in columns and the notes, for a terminal."""
        heading = ("metric", self.a, self.b, "real against real", "good is")
        rows = [
            (name, _number(pair.a), _number(pair.b), _number(pair.real_vs_real), pair.goal)
            for name, pair in self.metrics.items()
        ]
        return [*columns([heading, *rows]), *map(printable, self.notes)]


def read_report(path: Path) -> Report:
    """Read a report.json, or the one in a folder.

    Raises:
        MissingPathError: there is none.
        UsageError: it is no report of this version.
    """
    file = path / REPORT if os.path.isdir(path) else path  # noqa: PTH112 (answers where the path cannot be asked)
    try:
        return Report.model_validate_json(read_bytes(file, limit=_LARGEST))
    except FileNotFoundError:
        raise MissingPathError(f"{file}: no such report; `videogan evaluate` writes one") from None
    except (OSError, ValueError):
        raise UsageError(
            f"{file}: not a report that this version can read; make it anew by `videogan evaluate`"
        ) from None


def compare(a: Path, b: Path) -> Comparison:
    """Read two reports and hold their figures side by side, with what the kernel distances' intervals say.

    Raises:
        MissingPathError: one is not there.
        UsageError: one is no report, or their protocols differ.
    """
    return compare_reports(read_report(a), read_report(b), (str(a), str(b)))


def compare_reports(a: Report, b: Report, names: tuple[str, str]) -> Comparison:
    """As :func:`compare`, of reports that are read already and what to call them."""
    difference = first_difference(a, b)
    if difference is not None:
        raise UsageError(
            f"{printable(names[0])} and {printable(names[1])} cannot be compared, their protocols differ in "
            f"{printable(difference)}; evaluate both in the same way"
        )
    pairs = {
        name: Pair(row.value, b.metrics[name].value, row.real_vs_real, row.goal)
        for name, row in a.metrics.items()
        if name in b.metrics
    }
    notes = [
        f"{name} differs: {version} against {b.versions.get(name)}"
        for name, version in a.versions.items()
        if version != b.versions.get(name)
    ]
    one, two = (
        report.metrics["kernel_distance"].interval if "kernel_distance" in report.metrics else None for report in (a, b)
    )
    if one and two:
        apart = one[1] < two[0] or two[1] < one[0]
        notes.append("the kernel distances' 95 % intervals " + ("lie apart" if apart else "overlap: no clear winner"))
    return Comparison(*names, pairs, notes)


def first_difference(a: Report, b: Report) -> str | None:
    """Return the first line of the protocols that differs, in words, or None."""
    one, two = a.protocol, b.protocol
    for name in [*one, *(name for name in two if name not in one)]:
        if one.get(name) != two.get(name):
            return f"{name}: {one.get(name)} against {two.get(name)}"
    return None


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines, each column of one width; nothing in a cell can move a terminal's cursor."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
