"""Each environment variable once, with type, unit and default."""
