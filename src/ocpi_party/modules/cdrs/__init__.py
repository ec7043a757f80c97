"""The OCPI module cdrs."""
