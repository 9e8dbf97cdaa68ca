"""Render a few people, so that numba compiles the renderer's kernels and stores them for every process to come.

In a fresh checkout that takes one process some 45 seconds. Without this each process that renders would do it again:
both processes of the tests, and every command that they run.
"""

from repose.render import Renderer, SyntheticUnavailable, render_person

PEOPLE = {"street": 6, "fashion": 6, "plain": 2}
"""People of each style: between them they wear, hold and stand on what calls every kernel."""


def main() -> None:
    try:
        with Renderer(64, 32) as renderer:
            for style, people in PEOPLE.items():
                for person in range(people):
                    render_person(renderer, 0, person, 2, style=style)
    except SyntheticUnavailable:
        pass  # the tests that render are skipped then


if __name__ == "__main__":
    main()
