"""A photograph understood once, and its person posed many times."""
