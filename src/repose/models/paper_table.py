"""The table of papers: every model with its paper and its main recipes, as the models declare themselves."""

from __future__ import annotations

from repose.markdown import grid_table
from repose.models import MODELS, PAPERS


def paper_table() -> str:
    """Every model as a row of a Markdown table; paths are relative to the root of the checkout."""
    grid = [["model", "paper", "recipes"]]
    for name, model in MODELS.items():
        title = f"[{model.title}](src/repose/models/{name}/CARD.md)" if name in PAPERS else model.title
        paper = f"[{model.paper}]({model.link})" if model.link else model.paper
        more = len(model.recipes) - len(model.main)
        recipes = ", ".join(f"`{recipe}`" for recipe in model.main) + f" and {more} more" * bool(more)
        grid.append([title, paper, recipes])
    return grid_table(grid)
