"""OCPI over HTTP, our side. OCPI 2.2.1, Transport and format."""
