"""APATN, the aligned form of PATN (Zhu et al.): see CARD.md."""
