"""Dense Pose Transfer (Neverova, Guler, Kokkinos): see CARD.md."""
