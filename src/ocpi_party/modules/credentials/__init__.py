"""The OCPI module credentials."""
