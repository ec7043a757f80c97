"""Telling the operator's systems what happened, and asking them questions."""
