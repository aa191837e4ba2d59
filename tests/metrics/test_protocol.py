import copy
import json

import pytest

from videogan.errors import MissingPathError, UsageError
from videogan.metrics.protocol import compare, first_difference, read_report

REPORT = {
    "version": 1,
    "protocol": {"features": "pixels-16", "num_frames": 16, "seed": 0},
    "versions": {"torch": "2.14"},
    "metrics": {
        "kernel_distance": {"value": 0.5, "real_vs_real": 0.1, "interval": [0.4, 0.6], "goal": "low"},
        "recall": {"value": 0.2, "real_vs_real": None, "interval": None, "goal": "high"},
    },
}


def test_the_first_line_that_differs_is_named():
    other = copy.deepcopy(REPORT)
    assert first_difference(REPORT, other) is None
    other["protocol"] |= {"num_frames": 8, "seed": 1}
    assert first_difference(REPORT, other) == "num_frames: 16 against 8"
    with pytest.raises(UsageError, match=r"a\.json and b\.json cannot be compared.*num_frames: 16 against 8"):
        compare(REPORT, other, ("a.json", "b.json"))
    longer = copy.deepcopy(REPORT)
    longer["protocol"]["new"] = 1
    assert first_difference(REPORT, longer) == "new: None against 1"


def test_a_comparison_tells_of_versions_and_intervals():
    other = copy.deepcopy(REPORT)
    other["versions"]["torch"] = "3.0"
    other["metrics"]["kernel_distance"] |= {"value": 0.9, "interval": [0.8, 1.0]}
    del other["metrics"]["recall"]
    found = compare(REPORT, other, ("a", "b"))
    assert found["metrics"] == {"kernel_distance": {"a": 0.5, "b": 0.9, "real_vs_real": 0.1, "goal": "low"}}
    assert found["notes"] == [
        "torch differs: 2.14 against 3.0",
        "the kernel distances' 95 % intervals lie apart",
    ]
    assert "overlap" in compare(REPORT, REPORT, ("a", "b"))["notes"][0]


def test_a_report_is_read_from_its_folder_too_and_other_files_are_refused(tmp_path):
    (tmp_path / "report.json").write_text(json.dumps(REPORT))
    assert read_report(tmp_path) == read_report(tmp_path / "report.json") == REPORT
    with pytest.raises(MissingPathError):
        read_report(tmp_path / "none.json")
    for text in ("{", "[]", '{"version": 1}', json.dumps({**REPORT, "version": 2})):
        (tmp_path / "other.json").write_text(text)
        with pytest.raises(UsageError, match="not a report"):
            read_report(tmp_path / "other.json")
