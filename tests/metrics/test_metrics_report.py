import json
import os
from dataclasses import asdict

import pytest

from videogan.errors import MissingPathError, UsageError
from videogan.metrics.report import Report, Row, columns, compare, compare_reports, first_difference, read_report

CONTENT = {
    "version": 1,
    "created": "2026-11-26T08:00:00+00:00",
    "real": "clips",
    "generated": "theirs",
    "protocol": {"features": "pixels-16", "num_frames": 16, "seed": 0, "frame_rate": None},
    "versions": {"torch": "2.14"},
    "metrics": {
        "kernel_distance": {"value": 0.5, "real_vs_real": 0.1, "interval": [0.4, 0.6], "goal": "low"},
        "recall": {"value": 0.2, "real_vs_real": None, "interval": None, "goal": "high"},
    },
    "references": {"blurred by 1 pixels": {"kernel_distance": 0.7, "recall": None}},
    "warnings": [],
    "seconds": {"all": 1.5},
}


def report(**changes):
    return Report.model_validate_json(json.dumps(CONTENT | changes))


def test_the_first_line_that_differs_is_named():
    first = report()
    assert first_difference(first, report()) is None
    other = report(protocol=CONTENT["protocol"] | {"num_frames": 8, "seed": 1})
    assert first_difference(first, other) == "num_frames: 16 against 8"
    with pytest.raises(UsageError, match=r"a\.json and b\.json cannot be compared.*num_frames: 16 against 8"):
        compare_reports(first, other, ("a.json", "b.json"))
    longer = report(protocol=CONTENT["protocol"] | {"new": 1})
    assert first_difference(first, longer) == "new: None against 1"


def test_a_comparison_tells_of_versions_and_intervals():
    kernel = CONTENT["metrics"]["kernel_distance"] | {"value": 0.9, "interval": [0.8, 1.0]}
    other = report(versions={"torch": "3.0"}, metrics={"kernel_distance": kernel})
    told = asdict(compare_reports(report(), other, ("a", "b")))
    assert told["metrics"] == {"kernel_distance": {"a": 0.5, "b": 0.9, "real_vs_real": 0.1, "goal": "low"}}
    assert told["notes"] == ["torch differs: 2.14 against 3.0", "the kernel distances' 95 % intervals lie apart"]
    assert "overlap" in compare_reports(report(), report(), ("a", "b")).notes[0]


def test_a_report_is_what_was_written_and_is_read_from_its_folder_too(tmp_path):
    (tmp_path / "report.json").write_text(report().model_dump_json())
    assert read_report(tmp_path) == read_report(tmp_path / "report.json") == report()
    assert json.loads(report().model_dump_json()) == CONTENT
    with pytest.raises(MissingPathError):
        read_report(tmp_path / "none.json")
    with pytest.raises(MissingPathError):
        compare(tmp_path, tmp_path / "none.json")


def changed(name, key, value):
    rows = {name: CONTENT["metrics"][name] | {key: value}}
    return json.dumps(CONTENT | {"metrics": rows})


DAMAGED = {
    "cut": "{",
    "list": "[]",
    "bare": '{"version": 1}',
    "version": json.dumps(CONTENT | {"version": 2}),
    "text for a number": changed("recall", "value", "0.5"),
    "not a number": changed("recall", "value", float("nan")),
    "infinite": changed("recall", "value", 0.125).replace("0.125", "1e999"),
    "400 digits": changed("recall", "value", 0.125).replace("0.125", "9" * 400),
    "5,000 digits": json.dumps(CONTENT).replace('"seed": 0', '"seed": ' + "9" * 5000),
    "one end": changed("kernel_distance", "interval", [1.0]),
    "list of rows": json.dumps(CONTENT | {"metrics": []}),
    "null versions": json.dumps(CONTENT | {"versions": None}),
    "lone surrogate": json.dumps(CONTENT | {"real": "\ud800"}),
    "deep": json.dumps(CONTENT | {"seconds": 0.125}).replace("0.125", "[" * 100_000 + "]" * 100_000),
    "nested": json.dumps(CONTENT | {"protocol": {"seed": {"a": 1}}}),
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_or_hostile_report_is_refused(tmp_path, text):
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(UsageError, match="not a report that this version can read"):
        read_report(tmp_path / "other.json")


def test_what_is_no_file_of_a_report_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(20 << 30)
    for name in ("pipe", "large"):
        with pytest.raises(UsageError, match="not a report"):
            read_report(tmp_path / name)


def test_a_row_holds_no_value_that_is_no_number():
    row = Row(float("nan"), float("inf"), "low", (0.0, float("nan"))).finite()
    assert row == Row(None, None, "low", None)
    assert Row(0.5, None, "low", (0.0, 1.0)).finite().cells() == ("0.5", "", "0 to 1", "low")


def test_columns_hold_no_escape():
    assert columns([("a", "bb"), ("ccc", "d")]) == ["a    bb", "ccc  d"]
    row = CONTENT["metrics"]["recall"] | {"goal": "\x1b[2J\nstatus: hacked"}
    strange = report(
        real="\x1b]0;x\x07",
        metrics={"recall\t\x9b": row},
        protocol=CONTENT["protocol"] | {"generated_clips": 1, "real_clips": 1, "size": 8},
        versions={"x\n": "\x1b"},
    )
    told = compare_reports(strange, strange.model_copy(update={"versions": {}}), ("a\x1b", "b"))
    for line in (*strange.lines(), *told.lines()):
        assert line.isprintable(), line


def test_references_stand_below_the_figures_that_they_place_and_old_reports_have_none():
    assert report().reference_table() == [
        ("clips", "kernel_distance", "recall"),
        ("generated", "0.5", "0.2"),
        ("real, blurred by 1 pixels", "0.7", ""),
    ]
    old = {name: value for name, value in CONTENT.items() if name != "references"}
    assert Report.model_validate_json(json.dumps(old)).reference_table() == []
