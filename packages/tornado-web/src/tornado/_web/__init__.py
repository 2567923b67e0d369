"""The web framework: handlers, applications, and what they are made of."""
