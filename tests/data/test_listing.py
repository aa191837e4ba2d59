from fractions import Fraction
from pathlib import Path

import numpy as np

from videogan.data.columns import read_columns, write_columns
from videogan.data.listing import Listing, SourceVideo, Stamp, VideoTable
from videogan.video import VideoInfo


def info(number):
    return VideoInfo(Path(), 64, 48, Fraction(30_000, 1_001), number + 1, (number + 1) / 29.97, "h264", 0)


def listing_of(count, odd=None):
    listing = Listing()
    for number in range(count):
        listing.add(
            f"class{number % 4}/clip-{number:07d}.mp4", f"class{number % 4}", Stamp(number, 7 + (number == odd))
        )
    return listing.finish()


def test_a_row_takes_less_than_150_bytes_in_memory_and_on_disk(tmp_path):
    listing = listing_of(5_000)
    for row in range(5_000):
        listing.put(row, info(row))
    write_columns(tmp_path / "x.columns", listing.columns()[0], listing.columns()[1])
    assert listing.rows.nbytes + len(listing.names) < 150 * 5_000
    assert (tmp_path / "x.columns").stat().st_size < 150 * 5_000
    again = Listing.of_columns(*read_columns(tmp_path / "x.columns"))
    assert again.every_name() == listing.every_name()
    np.testing.assert_array_equal(again.rows, listing.rows)


def test_results_are_those_that_were_put():
    listing = listing_of(3)
    listing.put(0, info(0))
    listing.put(1, "the file is empty")
    listing.put(2, None, lasting=False)
    assert listing.result(0, Path()) == info(0)
    assert listing.result(1, Path()) == "the file is empty"
    assert listing.result(2, Path()) is None
    assert listing.with_status("ok", "salvaged").tolist() == [0]


def test_an_earlier_listing_tells_what_has_not_changed():
    earlier = listing_of(6)
    for row in range(5):
        earlier.put(row, info(row), lasting=row != 2)
    for later in (listing_of(6, odd=1), listing_of(5, odd=1)):
        later.put(0, "asked again")
        later.take_over(earlier)
        assert later.unprobed().tolist() == [1, 2, 5][: len(later) - 3]
        assert later.result(0, Path()) == "asked again"
        assert later.result(4, Path()) == info(4)


def test_a_table_gives_the_videos_that_it_was_made_of(tmp_path):
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes(b"x")
    videos = [SourceVideo(tmp_path / name, label, info(3)) for name, label in (("a.mp4", None), ("b.mp4", 1))]
    videos = [SourceVideo(v.path, v.label, VideoInfo(v.path, *list(vars(v.info).values())[1:])) for v in videos]
    table = VideoTable.of(tmp_path, videos)
    assert list(table) == table[:] == videos
    assert table == VideoTable.of(tmp_path, videos)
    assert table != VideoTable.of(tmp_path, videos[:1])
    assert table[-1] == videos[1]
