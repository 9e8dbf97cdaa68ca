"""Hair and beards as surfaces."""
