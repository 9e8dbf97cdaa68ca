"""`repose web`: a page on which a skeleton is dragged and the picture follows.

`sessions.py` (photographs in memory, and for how long), `arranging.py` (turn, build and size of a pose; poses of files
and by name), `posing.py` (pictures of a session), `clips.py` (animations), `live.py` (the HTTP routes that the page
calls), `page.py` (the page, with `files/`), `run.py` (the process).
"""
