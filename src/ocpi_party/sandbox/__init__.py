"""A partner to test against: a server of ours with a party, a life and, if wanted, faults."""
