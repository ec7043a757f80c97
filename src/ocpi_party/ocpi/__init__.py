"""What the OCPI specification says; this package knows nothing of our database, transport or settings."""
