"""The physician's blueprint: every page on it is for readers, and each asks whose reading it is."""

from flask import Blueprint

from study.tables import Role
from webapp.access import needs

bp = Blueprint("reader", __name__)
bp.before_request(needs(Role.READER))
