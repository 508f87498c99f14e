"""Runs Alembic on the connection, and in the transaction, that `Database` passes."""

from alembic import context

from syndicator.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
