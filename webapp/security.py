"""Cookies, headers and the secrets behind them."""

import hmac
from base64 import b64encode
from datetime import timedelta
from uuid import UUID

from flask import Flask, Response, request
from werkzeug.middleware.proxy_fix import ProxyFix

from webapp.settings import Settings

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
}
SHORTEST_SECRET = 32
LARGEST_REQUEST = 2 * 1024 * 1024


def configure(app: Flask, settings: Settings) -> None:
    secret = settings.secret_key.get_secret_value()
    if len(secret) < SHORTEST_SECRET:
        raise RuntimeError(f"PRIMUM_SECRET_KEY must have at least {SHORTEST_SECRET} characters.")
    plain = settings.plain_cookie
    app.config.update(
        SECRET_KEY=secret,
        SESSION_COOKIE_NAME="primum" if plain else "__Host-primum",
        SESSION_COOKIE_SECURE=not plain,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=settings.login_hours),
        MAX_CONTENT_LENGTH=LARGEST_REQUEST,
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(days=1),
        # A token that ends with the hour would refuse the save of whoever paused: ours ends with the session.
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
        BOOTSTRAP_SERVE_LOCAL=True,
    )
    if settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, *(settings.proxies,) * 3)  # type: ignore[method-assign]


def set_headers(response: Response) -> Response:
    given = {name.lower() for name, _ in response.headers}
    for name, value in HEADERS.items():
        if name.lower() not in given:
            response.headers.add(name, value)
    if request.endpoint not in {"static", "bootstrap.static"} or response.status_code >= 400:
        response.headers["Cache-Control"] = "no-store"
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return response


def queue_key(settings: Settings, reading_id: UUID, account_id: UUID) -> str:
    """The key under which a page keeps what is not acknowledged yet on its device (AES-GCM, 256 bits, base64).

    Given with the page to the reading's own reader and never stored: the same one comes again after a reload.
    """
    secret = settings.secret_key.get_secret_value().encode()
    words = f"offline queue\n{reading_id}\n{account_id}".encode()
    return b64encode(hmac.digest(secret, words, "sha256")).decode()
