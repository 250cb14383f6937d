"""Makes one self-contained HTML page from what the programs wrote into run folders.

load.py     files -> typed records; whatever is wrong with a file is a ReportError of one line
figures.py  records -> pictures that follow the page's colours
images.py   photographs and maps -> pictures inside the page
sections.py records -> sections: the list SECTIONS says which there are, in their order on the page
page.py     sections -> HTML, by the templates in templates/

A new kind of result is a reader in load.py, a function in sections.py and a template.
"""

from scatlight.report.fields import ReportError
from scatlight.report.load import load_run
from scatlight.report.page import make_page

__all__ = ["ReportError", "load_run", "make_page"]
