"""A signed-in browser as the server sees one: a kept connection, a cookie, and the token of its pages."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

HOST, PATIENCE_S = "127.0.0.1", 30.0


class Unanswered(Exception):
    """No answer came: refused, broken off, or nothing within the time that a browser waits."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


class Visitor:
    """One connection, used by one thread at a time. A broken one is made anew by the next question."""

    def __init__(self, port: int, cookies: Mapping[str, str]) -> None:
        self.cookies = dict(cookies)
        self.token = ""
        self._connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE_S)

    def get(self, path: str) -> Answer:
        """A question that changes nothing is asked once more where no answer came, as every browser does."""
        try:
            return self._ask("GET", path, None, {})
        except Unanswered:
            return self._ask("GET", path, None, {})

    def post(self, path: str, fields: Mapping[str, str] | None = None, *, headers: Mapping[str, str] = {}) -> Answer:
        """A form of the page that was seen last."""
        body = urlencode({"csrf_token": self.token, **(fields or {})})
        return self._ask("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded", **headers})

    def send(self, path: str, body: Mapping[str, Any]) -> Answer:
        """What a script sends."""
        headers = {"Content-Type": "application/json", "X-CSRFToken": self.token}
        return self._ask("POST", path, json.dumps(body), headers)

    def clock(self, reading: str) -> Any:
        """What the clock of a reading says; the token in it is this visitor's from now on."""
        found = self.get(f"/readings/{reading}/clock").json()
        self.token = found["csrf_token"]
        return found

    def close(self) -> None:
        self._connection.close()

    def _ask(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> Answer:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        try:
            self._connection.request(method, path, body, {**headers, "Cookie": cookies})
            answered = self._connection.getresponse()
            read = Answer(answered.status, dict(answered.headers), answered.read())
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise Unanswered(f"{method} {path}: {type(error).__name__} {error}") from error
        for cookie in answered.headers.get_all("Set-Cookie", []):
            name, value = cookie.partition(";")[0].split("=", 1)
            self.cookies[name] = value
        return read
