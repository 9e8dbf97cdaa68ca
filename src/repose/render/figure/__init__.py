"""The body: its asset, surfaces bound to it, the chart of its skin, and what skin and face look like."""
