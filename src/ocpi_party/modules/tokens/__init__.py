"""Tokens: what drivers are recognised by, and whether they may charge. OCPI 2.2.1, Tokens."""
