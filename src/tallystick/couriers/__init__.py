"""Who carries messages out: over HTTP to the endpoints of others, and by mail."""
