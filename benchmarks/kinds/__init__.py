"""Kinds of workloads: each says what is measured, and how."""
