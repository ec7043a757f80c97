"""One package per OCPI module."""
