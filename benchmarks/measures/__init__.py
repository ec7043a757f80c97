"""What is measured, one file per subject: each has `measure`, which yields results."""
