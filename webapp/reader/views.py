"""The physician's pages, on one blueprint: a place in each study, the case against the clock, what its script sends."""

from webapp.reader import place, practice, sitting, wire
from webapp.reader.blueprint import bp

__all__ = ["bp", "place", "practice", "sitting", "wire"]
