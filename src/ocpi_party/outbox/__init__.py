"""What partners do not know yet."""
