"""Formats that answers and rubrics come in: our own (`canonical`), and the official NOHARM files."""
