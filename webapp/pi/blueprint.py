"""Whose pages these are, said once."""

from flask import Blueprint

from study.tables import Role
from webapp.access import needs

bp = Blueprint("pi", __name__, url_prefix="/pi")
bp.before_request(needs(Role.PI, Role.OWNER))
