"""Poses: a library with names, limits, and limbs that stay out of each other."""
