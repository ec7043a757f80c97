"""Spans of OpenTelemetry: of requests, of what we ask partners and the operator's systems, and of the database work of either.

Whoever exports none pays nothing: these classes then stand nowhere, and nothing below knows of them. FastAPI's own telemetry
stays off: it keeps the path and query of each request, and with them the secrets of call-back URLs and the ids of drivers.
"""
