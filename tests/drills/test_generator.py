"""The generator of the load, against a small server that counts: what it measures, and what it never does."""

import asyncio
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from _generator import Load, Reader

SLOW_S = 0.02
READERS = [Reader(f"/readings/{number}", "primum=x", "token", f"page-{number}", ["a", "b"]) for number in range(3)]


class Server:
    """Answers each request after a while, and notes who had two under way at once."""

    def __init__(self, status: int = 200) -> None:
        self.status, self.paths, self.crossed = status, [], 0
        self.under_way: Counter[str] = Counter()
        self.saves: list[dict[str, object]] = []

    async def serve(self, reader, writer):
        while head := (await reader.readuntil(b"\r\n\r\n")).decode():
            method, path, _ = head.split(" ", 2)
            size = head.partition("Content-Length: ")[2].partition("\r\n")[0]
            body = await reader.readexactly(int(size or 0))
            who = "/".join(path.split("/")[:3])
            self.paths.append((method, path))
            self.under_way[who] += 1
            self.crossed += self.under_way[who] > 1
            await asyncio.sleep(SLOW_S)
            self.under_way[who] -= 1
            answer = b"{}"
            if path.endswith("/saves"):
                self.saves.append({"path": path, **json.loads(body)})
                answer = json.dumps({"revision": json.loads(body)["base_revision"] + 1}).encode()
            writer.write(f"HTTP/1.1 {self.status} X\r\nContent-Length: {len(answer)}\r\n\r\n".encode() + answer)

    async def connected(self, reader, writer):
        try:
            await self.serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def asked(server, readers, run):
    """What comes of a phase that `run` asks for."""

    async def whole():
        listening = await asyncio.start_server(server.connected, "127.0.0.1", 0)
        async with listening:
            port = listening.sockets[0].getsockname()[1]
            return await run(
                Load(port, [Reader(one.path, one.cookie, one.token, one.lease, one.options) for one in readers], 1)
            )

    with ThreadPoolExecutor(1) as apart:  # a browser that this process drives has a loop of its own running
        return apart.submit(asyncio.run, whole()).result()


def test_a_request_that_had_to_wait_is_measured_from_its_time_on_the_schedule():
    """One reader, five times as many requests as are answered meanwhile: the last ones waited for all before."""
    came = asked(
        Server(), READERS[:1], lambda load: load.open_loop({"clock": 1.0}, rate=5 / SLOW_S, seconds=5 * SLOW_S)
    )
    assert came["offered"] == came["answered"] == 25
    assert came["most_ms"] > 15 * SLOW_S * 1e3
    assert came["punctual"] < came["offered"] / 2


def test_a_reader_never_has_two_requests_under_way():
    server = Server()
    asked(server, READERS, lambda load: load.open_loop({"save": 0.8, "page": 0.2}, rate=300, seconds=0.2))
    assert len(server.paths) == 60
    assert server.crossed == 0


def test_each_save_builds_on_the_one_before_under_a_key_of_its_own():
    server = Server()
    asked(server, READERS, lambda load: load.open_loop({"save": 1.0}, rate=300, seconds=0.1))
    for path in {save["path"] for save in server.saves}:
        own = [save for save in server.saves if save["path"] == path]
        assert [save["base_revision"] for save in own] == list(range(len(own)))
        assert len({save["key"] for save in own}) == len(own)


@pytest.mark.parametrize("status", [409, 500, 503])
def test_what_was_not_answered_as_it_should_is_an_error_and_no_answer(status):
    came = asked(Server(status), READERS, lambda load: load.open_loop({"save": 1.0}, rate=100, seconds=0.1))
    assert (came["answered"], came["errors"]) == (0, {f"save: {status}": 10})


def test_a_site_that_is_gone_is_an_error_each_time():
    async def nobody(load):
        load.port = 1
        return await load.open_loop({"page": 1.0}, rate=100, seconds=0.1)

    came = asked(Server(), READERS, nobody)
    assert (came["answered"], came["errors"]) == (0, {"page: ConnectionRefusedError": 10})


def test_in_a_closed_loop_everybody_is_asked_for_once_where_no_time_is_given():
    server = Server(303)
    came = asked(server, READERS, lambda load: load.closed_loop("submit", readers=2, seconds=None))
    assert came["answered"] == len(READERS)
    assert sorted(server.paths) == [("POST", f"{reader.path}/submit") for reader in READERS]
