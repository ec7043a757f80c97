"""The OCPI module hubclientinfo: which parties stand behind a hub, and whether they can be reached."""
