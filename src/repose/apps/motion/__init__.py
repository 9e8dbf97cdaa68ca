"""A person in motion: `repose.apps.video` and `repose.apps.animate`, and their parts.

In the order in which a clip passes through them: `sources.py` (frames of whatever moves), `following.py` (the joints of
one person of several), `smoothing.py` (outliers, gaps, noise), `placing.py` (the build and the place of the source's
person, feet that stay on their spot), `scene.py` (crops that stay the same), `frames.py` (pictures), `encoding.py` and
`sound.py` (a file of them), `parts.py` (what a killed run has finished).
"""
