"""Which requirement rows of OCPI 2.2.1 the suite shows, which do not apply to us, and which are open."""
