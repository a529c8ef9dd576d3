"""A load, in a process of its own: one phase a line of JSON in, what came of it a line of JSON out.

Open loop: each request has its time on a fixed schedule and is measured from that time, so that waiting for a busy
site counts and nobody is spared because the one before was slow. Closed loop: so many readers, each of whom asks
again as soon as they were answered. A reader has one request under way at a time, because each save builds on the one
before.
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

HOST, CONNECTIONS = "127.0.0.1", 64
STALE_S = 3.0
"""A connection that rested so long is made anew: the server closes resting ones after five seconds."""
DRAINS_S = 60.0


@dataclass(slots=True)
class Reader:
    path: str
    cookie: str
    token: str
    lease: str
    options: list[str]
    revision: int = 0
    keys: int = 0


class Connection:
    """One kept connection to the site under load."""

    def __init__(self, port: int) -> None:
        self._port, self._used = port, 0.0
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        if self._streams is not None and time.monotonic() - self._used > STALE_S:
            self.close()
        if self._streams is None:
            self._streams = await asyncio.open_connection(HOST, self._port)
        reader, writer = self._streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        body = await reader.readexactly(int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0]))
        self._used = time.monotonic()
        if b"\r\nconnection: close" in head:
            self.close()
        return int(head[9:12]), body

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


@dataclass(slots=True)
class Outcome:
    """What came of a phase. `punctual`: answered before the schedule ended."""

    took_ms: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    punctual: int = 0

    def as_json(self, offered: int, seconds: float) -> dict[str, Any]:
        ordered = sorted(self.took_ms) or [0.0]
        at = {share: ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.99)}
        return {
            "offered": offered,
            "answered": len(self.took_ms),
            "punctual": self.punctual,
            "errors": dict(self.errors),
            "seconds": seconds,
            "p50_ms": at[0.5],
            "p99_ms": at[0.99],
            "most_ms": ordered[-1],
        }


class Load:
    """The readers of one site, and what each kind of request is."""

    def __init__(self, port: int, readers: list[Reader], seed: int) -> None:
        self.port, self.readers, self.rng = port, readers, random.Random(seed)  # noqa: S311  hides nothing
        self.kinds: dict[str, Callable[[Reader], bytes]] = {
            "save": self._save,
            "clock": lambda reader: self._request("GET", f"{reader.path}/clock", reader),
            "page": lambda reader: self._request("GET", reader.path, reader),
            "submit": self._submit,
            "bare page": lambda reader: self._request("GET", "/", reader),
            "bare post": lambda reader: self._form("/", reader, [("selected", one) for one in self._some(reader)]),
        }

    async def open_loop(self, mix: Mapping[str, float], *, rate: float, seconds: float) -> dict[str, Any]:
        outcome, readers, connections = Outcome(), self._queue(self.readers), self._queue(self._connections())
        kinds = self.rng.choices(list(mix), list(mix.values()), k=int(rate * seconds))
        began = time.monotonic()

        async def one(kind: str, due: float) -> None:
            reader, connection = await readers.get(), await connections.get()
            await self._one(kind, reader, connection, due, outcome, ends=began + seconds)
            readers.put_nowait(reader)
            connections.put_nowait(connection)

        tasks = []
        for number, kind in enumerate(kinds):
            due = began + number / rate
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            tasks.append(asyncio.create_task(one(kind, due)))
        _, late = await asyncio.wait(tasks, timeout=DRAINS_S)
        outcome.errors.update(["unanswered"] * len(late))
        await _end(late, connections)
        return outcome.as_json(len(kinds), time.monotonic() - began)

    async def closed_loop(self, kind: str, *, readers: int, seconds: float | None) -> dict[str, Any]:
        """`seconds` None: everybody once, so many at a time."""
        outcome, waiting, began = Outcome(), list(self.readers), time.monotonic()
        ends = began + (DRAINS_S if seconds is None else seconds)

        async def one(connection: Connection, own: Reader) -> None:
            while time.monotonic() < ends and (seconds is not None or waiting):
                reader = own if seconds is not None else waiting.pop()
                await self._one(kind, reader, connection, time.monotonic(), outcome, ends=ends)
            connection.close()

        await asyncio.gather(*(one(Connection(self.port), reader) for reader in self.readers[:readers]))
        return outcome.as_json(len(outcome.took_ms) + sum(outcome.errors.values()), time.monotonic() - began)

    async def _one(
        self, kind: str, reader: Reader, connection: Connection, due: float, outcome: Outcome, *, ends: float
    ) -> None:
        try:
            status, body = await connection.ask(self.kinds[kind](reader))
        except (OSError, EOFError, ValueError, LookupError) as error:
            connection.close()
            outcome.errors[f"{kind}: {type(error).__name__}"] += 1
            return
        if status != (303 if kind == "submit" else 200):
            outcome.errors[f"{kind}: {status}"] += 1
            return
        if kind == "save":
            reader.revision = json.loads(body)["revision"]
        now = time.monotonic()
        outcome.took_ms.append((now - due) * 1e3)
        outcome.punctual += now <= ends

    def _save(self, reader: Reader) -> bytes:
        reader.keys += 1
        chosen = self._some(reader)
        draft = {
            "selected": chosen,
            "confidence": self.rng.randint(0, 100),
            "rationale": "Because of the history. " * 8,
            "resources": ["reference"],
            "nothing_to_recommend": False,
        }
        body = json.dumps(
            {
                "key": f"{reader.lease}-{reader.keys}",
                "base_revision": reader.revision,
                "lease": reader.lease,
                "draft": draft,
                "offsets_ms": {chosen[0]: 1_000 * reader.keys},
                "elapsed_ms": 1_000 * reader.keys + 400,
            }
        )
        return self._request("POST", f"{reader.path}/saves", reader, body, "application/json")

    def _submit(self, reader: Reader) -> bytes:
        key, revision = f"{reader.lease}-end", str(reader.revision)
        fields = {"csrf_token": reader.token, "key": key, "base_revision": revision, "lease": reader.lease}
        return self._form(f"{reader.path}/submit", reader, [*fields.items()])

    def _form(self, path: str, reader: Reader, fields: list[tuple[str, str]]) -> bytes:
        return self._request("POST", path, reader, urlencode(fields), "application/x-www-form-urlencoded")

    def _request(self, method: str, path: str, reader: Reader, body: str = "", kind: str = "text/plain") -> bytes:
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: {HOST}:{self.port}",
            f"Cookie: {reader.cookie}",
            f"X-CSRFToken: {reader.token}",
            *([f"Content-Type: {kind}", f"Content-Length: {len(body.encode())}"] if method == "POST" else []),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()

    def _some(self, reader: Reader) -> list[str]:
        return sorted(self.rng.sample(reader.options, min(len(reader.options), self.rng.randint(4, 10))))

    def _connections(self) -> list[Connection]:
        return [Connection(self.port) for _ in range(CONNECTIONS)]

    def _queue(self, things: list[Any]) -> asyncio.Queue[Any]:
        """First in, first out: who waited longest comes next."""
        queue: asyncio.Queue[Any] = asyncio.Queue()
        for thing in things:
            queue.put_nowait(thing)
        return queue


async def _end(late: set[asyncio.Task[None]], connections: asyncio.Queue[Connection]) -> None:
    for task in late:
        task.cancel()
    while not connections.empty():
        connections.get_nowait().close()


def phase(load: Load, asked: Mapping[str, Any]) -> Coroutine[Any, Any, dict[str, Any]]:
    if "rate" in asked:
        return load.open_loop(asked["mix"], rate=asked["rate"], seconds=asked["seconds"])
    return load.closed_loop(asked["kind"], readers=asked["readers"], seconds=asked["seconds"])


def main() -> None:
    """The first line is the site: its port, its readers, a seed. Each line after it is a phase."""
    site = json.loads(sys.stdin.readline())
    load = Load(site["port"], [Reader(**reader) for reader in site["readers"]], site["seed"])
    for line in sys.stdin:
        print(json.dumps(asyncio.run(phase(load, json.loads(line)))), flush=True)


if __name__ == "__main__":
    main()
