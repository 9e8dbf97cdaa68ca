"""Training: the loop, and what it needs. `repose.train.loop` needs lightning, the other modules do not."""
