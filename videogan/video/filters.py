"""FFmpeg's filters that decoded pictures go through: whole pictures of interlaced ones, and cropping."""

from collections.abc import Iterable, Iterator

import av
from av.filter import Graph

from videogan.video.mp4 import Crop


def deinterlace(pictures: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    """Yield one progressive picture for each picture; those that are not flagged as interlaced pass unchanged.

    A picture is made from itself and its two neighbours, so the first and the last of a run that was cut out of the
    middle of a video come out slightly different.
    """
    graph, shape = None, None
    for picture in pictures:
        if graph is None and not picture.interlaced_frame:
            yield picture
            continue
        if graph is None or _shape(picture) != shape:
            yield from _drain(graph)
            graph, shape = _graph(picture, "bwdif", "mode=send_frame:deint=interlaced"), _shape(picture)
        graph.vpush(picture)
        yield from pull(graph)
    yield from _drain(graph)


class Cropper:
    """Cuts the edges off pictures that are not to be shown, whatever size they come in."""

    def __init__(self, crop: Crop) -> None:
        self._crop = crop
        self._graph: Graph | None = None
        self._shape: tuple[int, int, str] | None = None

    def cut(self, picture: av.VideoFrame) -> av.VideoFrame:
        """Return what is to be shown of a picture; all of it where the crop leaves nothing."""
        if self._graph is None or _shape(picture) != self._shape:
            crop = self._crop
            width, height = picture.width - crop.left - crop.right, picture.height - crop.top - crop.bottom
            if width < 1 or height < 1:
                return picture
            self._graph = _graph(picture, "crop", f"{width}:{height}:{crop.left}:{crop.top}:exact=1")
            self._shape = _shape(picture)
        self._graph.vpush(picture)
        return self._graph.vpull()


def _shape(picture: av.VideoFrame) -> tuple[int, int, str]:
    return picture.width, picture.height, picture.format.name


def _graph(picture: av.VideoFrame, name: str, arguments: str) -> Graph:
    """Return a graph of one filter for pictures like this one."""
    graph = Graph()
    graph.threads = 1
    source = graph.add_buffer(
        width=picture.width, height=picture.height, format=picture.format, time_base=picture.time_base
    )
    graph.link_nodes(source, graph.add(name, arguments), graph.add("buffersink")).configure()
    return graph


def pull(graph: Graph) -> Iterator[av.VideoFrame]:
    """Yield the pictures that a filter graph has ready."""
    while True:
        try:
            yield graph.vpull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return


def _drain(graph: Graph | None) -> Iterator[av.VideoFrame]:
    if graph is not None:
        graph.vpush(None)
        yield from pull(graph)
