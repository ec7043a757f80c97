"""The OCPI module locations."""
