"""Loss terms that several models share: adversarial objectives with their image pool, perceptual features, and LPIPS."""
