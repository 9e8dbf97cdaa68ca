"""Clothes of one photograph on the person of another: texture transfer and virtual try-on."""
