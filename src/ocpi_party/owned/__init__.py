"""Client owned objects: what locations, tariffs, sessions, CDRs and tokens share."""
