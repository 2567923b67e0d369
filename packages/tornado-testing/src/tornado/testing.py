"""Filled in by the module itself."""
