"""The statistician: counts before the lock, the analysis after it."""
