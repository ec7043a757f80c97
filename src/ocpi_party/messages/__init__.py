"""The OCPI messages exchanged with partners, both directions, as an operator may read them: secrets are masked."""
