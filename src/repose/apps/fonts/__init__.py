"""Characters in the style of a font: a font or one letter in, any capitals in that style out (Roy et al., 4.5.3)."""
