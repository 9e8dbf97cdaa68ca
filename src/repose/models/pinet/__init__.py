"""PINet, Human Pose Transfer by Adaptive Hierarchical Deformation (Zhang, Liu, Li): see CARD.md."""
