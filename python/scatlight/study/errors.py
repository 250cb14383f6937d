"""What ends a study before or between its runs."""


class StudyError(Exception):
    """The text is one line: what was given, what is accepted, where."""
