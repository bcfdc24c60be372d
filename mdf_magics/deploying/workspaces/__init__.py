"""Where resources are deployed to: one protocol, an adapter for each kind."""
