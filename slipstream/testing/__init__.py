"""Record, scrub and replay HTTP sessions."""
