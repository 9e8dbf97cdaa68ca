"""Synthetic people: rendered persons with exact joints, parsing and masks. See CARD.md."""
