"""What is thrown at the parsers, and who else reads it."""
