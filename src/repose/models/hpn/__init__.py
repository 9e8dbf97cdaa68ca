"""HPN, High-Resolution Pose Transfer via Progressive Training and Pose Disentangling: see CARD.md."""
