"""Charging sessions, and what their drivers prefer. OCPI 2.2.1, Sessions."""
