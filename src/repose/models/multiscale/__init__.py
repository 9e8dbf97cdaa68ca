"""Multi-scale Attention Guided Pose Transfer (Roy et al. 2022): see CARD.md."""
