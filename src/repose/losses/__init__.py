"""Loss terms that several models share: adversarial objectives with their image pool, features of networks, LPIPS."""
