"""What happened, for the operator's systems: kept in the transaction that causes it, read by sequence, delivered at least once."""
