"""How Alembic is run: on the connection, and in the transaction, that `Database` gives it."""

from alembic import context

from syndicator.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
