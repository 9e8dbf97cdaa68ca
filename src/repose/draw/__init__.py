"""Pictures of what happens: contact sheets, and panels of the inside of a model."""
