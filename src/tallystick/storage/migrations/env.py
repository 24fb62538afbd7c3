"""Alembic's entry: it is told the connection, and neither opens nor commits anything."""

from alembic import context

from tallystick.storage.migrations import VERSION_TABLE
from tallystick.storage.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
    user_module_prefix="types.",
    # A host keeps its own tables in the same database.
    include_name=lambda name, kind, _parents: kind != "table" or (name or "").startswith("tallystick_"),
)
with context.begin_transaction():
    context.run_migrations()
