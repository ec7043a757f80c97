"""Charging profiles: an eMSP limits the power of its driver's session over time. OCPI 2.2.1, ChargingProfiles."""
