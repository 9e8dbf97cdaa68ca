"""Campaigns of faults: many inputs, kills, full disks and load, each judged by a rule; `make campaign` runs them."""
