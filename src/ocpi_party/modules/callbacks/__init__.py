"""Requests whose result comes later, to a response_url: what commands and charging profiles share."""
