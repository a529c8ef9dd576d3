"""Alembic's door. It is given a connection by `study.migrate`, and never makes one of its own."""

from alembic import context

from study.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
