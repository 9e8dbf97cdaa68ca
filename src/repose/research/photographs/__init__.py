"""How well a model does on photographs that no training saw: `repose research photographs`.

`crops` reads photographs of one person each, `pairs` draws pairs of one person, `networks` holds the networks of other
people that judge, `scores` the columns, `run` makes the pictures and scores them, `table` shows the numbers, and
`sheets` the pictures.
"""
