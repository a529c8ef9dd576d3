"""Who may open a blueprint: declared once on it, proved by one test over every route."""

from collections.abc import Callable

from flask import Response, abort, redirect, request, url_for

from study.tables import Role
from webapp import deps


def needs(*roles: Role) -> Callable[[], Response | None]:
    """A guard for `before_request`: others are asked to sign in, or told that it is not for them."""

    def guard() -> Response | None:
        found = deps.who()
        if found is None:
            if request.is_json:
                abort(401, "You are signed out. Sign in again in another tab; nothing that was saved is lost.")
            after = request.full_path.rstrip("?") if request.method == "GET" else None
            return redirect(url_for("auth.sign_in", after=after), code=303)  # type: ignore[return-value]
        if found.role not in roles:
            abort(403)
        return None

    return guard
