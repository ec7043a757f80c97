"""Fetching partners' lists."""
