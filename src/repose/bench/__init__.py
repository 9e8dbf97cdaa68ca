"""Speed, memory and cost. Each benchmark measures, writes and reads its result line, and makes its own tables.

`forward`, `attention`, `scene`, `pictures`, `loading`, `metrics` and `rendering` are a file each: a function that
measures and gives a typed result, the result's `line()` and `read()`, a Markdown table from result lines, and the text
for the terminal. `cost` and `budget` are packages, because each needs several files. `evaluations` makes the tables of
`repose eval`.
`workload`, `peak` and `memory` are what several share: what is timed, the machine's peak, the memory of a process.
"""
