"""Feature networks of others as plain modules that load their published weights: one file each."""
