"""The provenance store: the only state of the engine."""
