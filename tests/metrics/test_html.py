import re

import pytest

from videogan.metrics import html


def test_every_text_is_escaped():
    hostile = "'\"><svg onload=alert(1)>"
    page = html.page(hostile, [html.table([(hostile, 1)], [hostile, "b"]), html.video(hostile, hostile)])
    page += html.coloured(hostile, html.COLOURS[0])
    assert "<svg" not in page and page.count("&lt;svg onload") == 7
    assert "<th>b</th>" in page and "<td>1</td>" in page


def test_a_drawing_stands_above_its_caption():
    drawn = html.drawing([html.polyline([(0, 1), (2.04, 3)], "red")], 50, "a<br>b")
    assert (
        "points='0.0,1.0 2.0,3.0'" in drawn
        and "<figcaption>a<br>b</figcaption>" in drawn
        and "viewBox='-48 -8 476 78'" in drawn
    )


@pytest.mark.parametrize(
    ("low", "high", "numbers"),
    [
        (0, 1, [0, 0.5, 1]),
        (0, 120, [0, 50, 100]),
        (-2, 2, [-2, -1, 0, 1, 2]),
        (0.84, 0.86, [0.84, 0.845, 0.85, 0.855, 0.86]),
        (0, 1e-320, [0]),
        (-1e300, 1e300, [-1e300, -5e299, 0, 5e299, 1e300]),
    ],
)
def test_ticks_are_round_numbers_within_the_range(low, high, numbers):
    assert html.ticks(low, high) == pytest.approx(numbers)


def test_axes_stand_where_their_numbers_are():
    drawn = "".join(html.axes(100, (0, 200), (-1, 1)))
    assert re.findall(r"y1='([\d.]+)'", drawn) == ["100.0", "75.0", "50.0", "25.0", "0.0"]
    assert re.findall(r">([-\d.]+)</text>", drawn) == ["-1", "-0.5", "0", "0.5", "1", "0", "50", "100", "150", "200"]


def test_a_page_suits_a_phone_and_the_dark_and_loads_itself_anew_only_where_told():
    page = html.page("a", [])
    assert "width=device-width" in page and "prefers-color-scheme: dark" in page and "http-equiv" not in page
    assert "<meta http-equiv='refresh' content='30'>" in html.page("a", [], refresh_seconds=30)
