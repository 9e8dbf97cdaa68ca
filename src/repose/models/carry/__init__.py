"""Our own model: pixels and features of the source are carried to the target along a correspondence."""
