"""Test cases for asynchronous code."""
