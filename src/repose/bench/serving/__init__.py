"""`repose bench serving`: visitors at a server, batches beside none, memory over many requests, and killed workers.

`server.py` starts the server as a process of its own, `visitors.py` are its clients, `measure.py` has the four parts,
`run.py` calls them, and `table.py` prints and writes them.
"""
