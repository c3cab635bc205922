"""The state machine of a run: events in, instructions out, no I/O."""
