"""docs/reproduce.md: how each table of each paper is run again, as data, and the page that is written from it."""
