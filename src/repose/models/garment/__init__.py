"""Garment, the appearance flow network of HPN's virtual try-on (section 4.4): see CARD.md."""
