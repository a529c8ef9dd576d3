"""Schema migrations, run by `primum migrate` and by every command that needs a database."""
