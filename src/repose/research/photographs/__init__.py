"""How well a model does on photographs that no training saw: `repose research photographs`.

`columns` says what the tables have. `crops` reads photographs of one person each, `pairs` draws pairs of one person,
`networks` holds the networks of other people that judge, `scores` measures a pair, `run` makes the pictures and scores
them, `table` shows the numbers, `sheets` the pictures, and `document` writes the table of documents.
"""
