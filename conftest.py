"""Settings for every test of the repository, those of the distributions on their own included."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# A busy machine stretches single examples; only their number is bounded.
settings.register_profile(
    "tornado", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tornado")
