#!/usr/bin/env bash
# Gradio 6.31.0: with batch=True, one visitor's bad picture is an error for everybody whose event waited with it.
#
# Under load, Gradio gives the events that wait to one call, which is why one sets batch=True for a network. If one of them
# raises gr.Error("nobody is in this picture"), every visitor of the batch reads that, and nobody gets a result; the call
# has no way to answer one event with an error and the others with pictures. Which visitors fail depends on who pressed the
# button within the same second. Tried one by one, the same inputs give the results. Catch errors for each picture inside
# the function. Seen on 2026-11-30.
#
# Fails if a visitor of the same batch gets a result, or if one is told something else.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check gradio==6.31.0 gradio_client==2.7.2 numpy==2.4.6 pillow==12.3.0
cat > "$work/serve.py" <<'PYTHON'
import sys
import time
from importlib.metadata import version

import gradio
from gradio_client import Client

INPUTS = ("street", "beach", "landscape", "stage", "garden")
calls = []


def poses(pictures):
    calls.append(len(pictures))
    time.sleep(5)
    if "landscape" in pictures:
        raise gradio.Error("nobody is in this picture", print_exception=False)
    return [[f"pose of {picture}" for picture in pictures]]


def answers(clients, pictures):
    jobs, told = [], []
    for client, picture in zip(clients, pictures):
        jobs.append(client.submit(picture, api_name="/poses"))
        while not calls:  # the first is at work before the others come
            time.sleep(0.05)
    for job in jobs:
        try:
            told.append(job.result(timeout=120))
        except Exception as error:
            told.append(str(error))
    return told


with gradio.Blocks(analytics_enabled=False) as page:
    source, result, button = gradio.Textbox(), gradio.Textbox(), gradio.Button()
    button.click(poses, source, result, api_name="poses", batch=True, max_batch_size=8)
_, address, _ = page.launch(prevent_thread_lock=True, quiet=True)
clients = [Client(address, verbose=False) for _ in (*INPUTS, "first")]
together = answers(clients, ("first", *INPUTS))  # the first keeps the function busy, the others wait
sizes = list(calls)
alone = [answers(clients[:1], (picture,))[0] for picture in INPUTS]
page.close()
print(f"Gradio {version('gradio')}, events of each call: {sizes}")
for picture, shared, own in zip(INPUTS, together[1:], alone):
    print(f"{picture}: in the batch {shared!r}, alone {own!r}")
one_batch = sizes[-1] == len(INPUTS) and len(sizes) == 2
fine = [f"pose of {picture}" for picture in INPUTS if picture != "landscape"]
sys.exit(not (
    one_batch and together[1:] == ["nobody is in this picture"] * len(INPUTS)
    and [answer for answer in alone if "pose" in answer] == fine
))
PYTHON
"$work/venv/bin/python" -W ignore "$work/serve.py"
echo "As described."
