"""OpenGL: posed surfaces to pixels and labels."""
