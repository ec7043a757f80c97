"""What an operator asks across modules: what happened to a charge, and what waits for somebody."""
