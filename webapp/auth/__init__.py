"""Signing in and out, one-time links, and joining a study."""
