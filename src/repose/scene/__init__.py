"""A photograph of a person: framed, emptied of its person, and shown with the person in another pose."""

from repose.scene.scene import BACKGROUNDS, Background, Pose, Scene, find_background

__all__ = ["BACKGROUNDS", "Background", "Pose", "Scene", "find_background"]
