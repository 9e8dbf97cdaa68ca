"""The error of a machine that cannot render."""


class SyntheticUnavailable(RuntimeError):  # noqa: N818 (the name is public)
    """The synthetic people cannot be rendered on this machine; the message says what to install."""
