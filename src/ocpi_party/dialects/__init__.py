"""How each version of OCPI spells the house form."""
