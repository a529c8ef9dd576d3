"""The front door: where each person belongs, help, and whether the site is well."""

from flask import Blueprint, Response, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from study.tables import Role
from webapp import deps

bp = Blueprint("front", __name__)
PATIENCE_S = 2.0  # whoever asks after the health must not queue among those who save

HOME = {
    Role.READER: "reader.home",
    Role.PI: "pi.home",
    Role.OWNER: "pi.home",
    Role.STATISTICIAN: "stats.home",
}


@bp.get("/")
def home() -> ResponseReturnValue:
    found = deps.who()
    return redirect(url_for("auth.sign_in" if found is None else HOME[found.role]), code=303)


@bp.get("/help")
def help_page() -> ResponseReturnValue:
    return render_template("help.html")


@bp.get("/healthz")
def health() -> Response:
    """Whether this host can take its turn to write and can read; 503 where its turn does not come soon."""
    deps.database().write(lambda session: session.connection().execute(text("SELECT 1")), patience_s=PATIENCE_S)
    return jsonify(status="well")
