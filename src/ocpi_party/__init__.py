"""ocpi-party: an OCPI 2.2.1 party server for charge point operators and e-mobility service providers."""
