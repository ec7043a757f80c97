"""The pages, one file for what belongs together."""
