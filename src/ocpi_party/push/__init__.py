"""Telling partners what they do not know yet."""
