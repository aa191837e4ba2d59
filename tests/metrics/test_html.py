from videogan.metrics import html


def test_every_text_is_escaped():
    hostile = "'\"><svg onload=alert(1)>"
    page = html.page(hostile, [html.table([(hostile, 1)], [hostile, "b"]), html.video(hostile, hostile)])
    page += html.coloured(hostile, html.COLOURS[0])
    assert "<svg" not in page and page.count("&lt;svg onload") == 7
    assert "<th>b</th>" in page and "<td>1</td>" in page


def test_a_drawing_stands_above_its_caption():
    drawn = html.drawing([html.polyline([(0, 1), (2.04, 3)], "red")], 50, "a<br>b")
    assert "points='0.0,1.0 2.0,3.0'" in drawn and "<figcaption>a<br>b</figcaption>" in drawn and "height='50'" in drawn
