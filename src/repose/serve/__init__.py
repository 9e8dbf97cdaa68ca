"""`repose serve`: transfers, estimates and videos over HTTP.

`app.py` has `create_app`, the application of FastAPI; `server.py` runs it until it is stopped. The process of the
application does HTTP and holds the queue; processes of `workers.py` compute, by `work.py`. Nothing but those imports
PyTorch.
"""

from __future__ import annotations

from repose.serve.settings import ServeSettings

__all__ = ["ServeSettings"]
