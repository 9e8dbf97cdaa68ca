"""What every system costs: weights, arithmetic, memory of training, and the speed on this machine.

Weights, multiply-adds and the memory of training are counted with fake tensors (`count`), so that 1024x1024 of the
largest network costs nothing. Speed and memory of inference are measured (`run`), each recipe in a process of its own
that holds nothing else. `measure` puts both onto one line a recipe and continues where it was stopped; `result` is that
line, `table` its Markdown, `published` what the papers print.
"""
