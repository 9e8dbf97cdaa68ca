"""PATN, Progressive and Aligned Pose Attention Transfer (Zhu et al.): see CARD.md."""
