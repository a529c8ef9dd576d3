"""The PI's blueprint with all of its pages: importing this module is what registers them."""

from webapp.pi import acts, invitations, pages
from webapp.pi.blueprint import bp

__all__ = ["acts", "bp", "invitations", "pages"]
