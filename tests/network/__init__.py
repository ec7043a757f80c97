"""A test network: a CPO and an eMSP of ours, partners with faults, consumers that crash; in the end all counts must agree."""
