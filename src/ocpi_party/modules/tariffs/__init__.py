"""The OCPI module tariffs."""
