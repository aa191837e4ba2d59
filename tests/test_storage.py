import os

import pytest

from videogan.storage import write_bytes, write_text


def test_text_is_replaced(tmp_path):
    path = tmp_path / "a.json"
    for text in ("one", "zwei ü\n"):
        write_text(path, text)
        assert path.read_text(encoding="utf-8") == text
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_keeps_the_earlier_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "a.json"
    write_text(path, "precious")
    (tmp_path / f"a.json.{os.getpid()}.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space"):
        write_text(path, "lost")
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]


def test_bytes_are_written_as_they_are(tmp_path):
    path = tmp_path / "a.bin"
    write_bytes(path, b"\x00\r\n\xff")
    assert path.read_bytes() == b"\x00\r\n\xff"
    assert list(tmp_path.iterdir()) == [path]
