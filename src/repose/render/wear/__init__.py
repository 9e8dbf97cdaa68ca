"""What people wear: sampled as numbers, woven, cut, and hung on the body."""
