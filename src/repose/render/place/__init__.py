"""Where people are: streets, rooms and studios, their light, and the camera that looks at them."""
