"""The OCPI module versions."""
