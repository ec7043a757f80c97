"""The platforms that we are connected to."""
