"""Trains the lists of runs that a file of studies/ defines, in turn, and gathers what they reached.

definition.py  the TOML file -> a Study; whatever is wrong with it is a StudyError of one line
tables.py      typed access to TOML, in which no key is unknown
plan.py        a Study -> the runs to make, each with its definition
subsets.py     a few images of each class, drawn by the seed, as folders of links
program.py     `scatlight train` as a process: its command line, its start, its end
outcome.py     a run folder -> what the run reached
record.py      trainings.json, from which `python -m scatlight.report` makes a page
runner.py      the runs in turn, some at once

It is another thing than `scatlight study`, which measures the transform itself.
"""

from scatlight.study.definition import Study, read_study
from scatlight.study.errors import StudyError

__all__ = ["Study", "StudyError", "read_study"]
