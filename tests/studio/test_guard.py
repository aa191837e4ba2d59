"""What other pages, other names and other machines get from the studio: nothing."""

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from videogan.studio.guard import Guard

OWN = {"host": "127.0.0.1:8600"}
SAME = {**OWN, "origin": "http://127.0.0.1:8600"}


async def greet(socket) -> None:
    await socket.accept()
    await socket.send_text("hello")
    await socket.close()


def client(host: str = "127.0.0.1", token: str | None = None) -> TestClient:
    routes = [Route("/", lambda request: PlainTextResponse("hello")), WebSocketRoute("/play", greet)]
    return TestClient(Guard(Starlette(routes=routes), host, token), follow_redirects=False)


def socket_opens(guarded: TestClient, headers: dict[str, str]) -> bool:
    try:
        with guarded.websocket_connect("/play", headers=headers) as socket:
            return socket.receive_text() == "hello"
    except WebSocketDisconnect:
        return False


@pytest.mark.parametrize("headers", [OWN, SAME, {"host": "localhost"}, {"host": "[::1]:8600"}, {"host": "LOCALHOST:1"}])
def test_this_machines_names_are_served(headers):
    assert client().get("/", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8600", "127.0.0.1.evil.example", "192.168.1.5:8600", "", "[", "0.0.0.0"]
)
def test_another_name_bound_to_this_address_gets_nothing(host):
    assert client().get("/", headers={"host": host}).status_code == 403
    assert not socket_opens(client(), {"host": host, "origin": f"http://{host}"})


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:9999", "http://localhost:8600", "file://", "http://["]
)
def test_another_page_drives_nothing(origin):
    assert client().get("/", headers={**OWN, "origin": origin}).status_code == 403
    assert not socket_opens(client(), {**OWN, "origin": origin})


def test_a_socket_needs_the_pages_origin():
    assert socket_opens(client(), SAME)
    assert not socket_opens(client(), OWN)


def test_another_page_embeds_nothing_but_may_link_here():
    cross = {**OWN, "sec-fetch-site": "cross-site"}
    assert client().get("/", headers={**cross, "sec-fetch-mode": "no-cors"}).status_code == 403
    assert client().get("/", headers={**cross, "sec-fetch-mode": "navigate"}).status_code == 200


def test_every_answer_forbids_what_is_not_the_studios():
    for answer in (client().get("/", headers=OWN), client().get("/", headers={"host": "evil.example"})):
        assert answer.headers["content-security-policy"].startswith("default-src 'self';")
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_another_address_asks_for_the_token_once():
    guarded = client("192.168.1.5", "secret")
    there = {"host": "192.168.1.5:8600"}
    origin = {**there, "origin": "http://192.168.1.5:8600"}
    for path in ("/", "/?token=", "/?token=wrong", "/?other=secret", "/play?token=secret"):
        assert guarded.get(path, headers=there).status_code == 401, path
    assert guarded.get("/", headers={**there, "cookie": "videogan-studio=wrong"}).status_code == 401
    assert guarded.get("/", headers={**there, "cookie": "\x7f=;,"}).status_code == 401
    assert not socket_opens(guarded, origin)
    answer = guarded.get("/?token=secret", headers=there)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert {"HttpOnly", "SameSite=strict"} <= set(answer.headers["set-cookie"].split("; "))
    cookie = {"cookie": "videogan-studio=secret"}
    assert guarded.get("/", headers={**there, **cookie}).status_code == 200
    assert socket_opens(guarded, {**origin, **cookie})


def test_a_name_bound_to_another_address_gets_nothing_even_with_the_token():
    guarded = client("0.0.0.0", "secret")
    assert guarded.get("/?token=secret", headers={"host": "evil.example"}).status_code == 403
    assert guarded.get("/?token=secret", headers={"host": "192.168.1.5:8600"}).status_code == 303
