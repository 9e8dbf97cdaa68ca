"""Loss terms that several models share: adversarial objectives with their image pool, features and LPIPS."""
