"""Makes one self-contained HTML page from what the programs wrote into folders.

load.py     files -> typed records; whatever is wrong with a file is a ReportError of one line.
            training.py has what all trainings write, boxes.py what detectors write; features.py,
            reconstruction.py, study.py and bench.py read the files of one command each; trainings.py
            reads what `python -m scatlight.study` gathers of many trainings
figures.py  records -> pictures that follow the page's colours
images.py   photographs and maps -> pictures inside the page; overlay.py lays boxes over them
sections.py records -> sections: the list SECTIONS says which there are, in their order on the page.
            detection_sections.py lists those of detectors; reconstruction_section.py, study_sections.py
            and bench_section.py make those of one command each, trainings_sections.py those of studies
            of trainings
page.py     sections -> HTML, by the templates in templates/

A new kind of result is a reader that load.py calls, a function in SECTIONS and a template.
"""

from scatlight.report.fields import ReportError
from scatlight.report.load import load_run
from scatlight.report.page import make_page

__all__ = ["ReportError", "load_run", "make_page"]
