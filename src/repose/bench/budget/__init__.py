"""`repose bench budget`: recipes compared after equal minutes of training on this machine.

Equal for all: the data, the minutes, the threads, pairs in both directions, the averaged weights of the last image; and
nothing is chosen on test pairs. A probe measures how fast each recipe trains here, from its first to its last phase;
`images` is set so that the schedule of the learning rate ends when the minutes do, and set anew a few times on the
way, as other work on the machine comes and goes. Every training is a process of its own, `repose train`.

A comparison that was stopped at any moment is continued by the same call: what is trained or measured is not repeated.

`compare` is the whole; `terms` what is equal for all; `lengths` how many images fit into the minutes; `plan` the file
that remembers it; `training` the probe and the runs; `launch`, `process` and `machine` the processes of the trainings
and what the machine did meanwhile; `measuring` the result lines; `table` their table.
"""
