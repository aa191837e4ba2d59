"""Makes whole pictures of interlaced ones."""

from collections.abc import Iterable, Iterator

import av
from av.filter import Graph


def deinterlace(pictures: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    """Yield one progressive picture for each picture; those that are not flagged as interlaced pass unchanged.

    A picture is made from itself and its two neighbours, so the first and the last of a run that was cut out of the
    middle of a video come out slightly different.
    """
    graph, shape = None, None
    for picture in pictures:
        now = (picture.width, picture.height, picture.format.name)
        if graph is None or now != shape:
            yield from _drain(graph)
            graph, shape = _graph(picture), now
        graph.vpush(picture)
        yield from pull(graph)
    yield from _drain(graph)


def _graph(picture: av.VideoFrame) -> Graph:
    graph = Graph()
    graph.threads = 1
    source = graph.add_buffer(
        width=picture.width, height=picture.height, format=picture.format, time_base=picture.time_base
    )
    graph.link_nodes(
        source, graph.add("bwdif", "mode=send_frame:deint=interlaced"), graph.add("buffersink")
    ).configure()
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
