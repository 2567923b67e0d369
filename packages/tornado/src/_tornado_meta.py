"""Marks the installation of the whole framework; it holds nothing else."""
