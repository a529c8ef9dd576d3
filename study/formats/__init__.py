"""Formats that answers and rubrics come in: our own (`canonical`), and the official NOHARM files."""

from study.formats.judged import detect_format

__all__ = ["detect_format"]
