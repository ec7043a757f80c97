"""Commands: an eMSP asks a CPO to make a charge point do something. OCPI 2.2.1, Commands."""
