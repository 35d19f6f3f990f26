"""Mistakes a user can make."""


class UserError(ValueError):
    """A mistake outside the program: the message says where it is and what to do about it.

    The command line prints the message as one line and exits with status 1; a traceback of any
    other exception is a defect of the program.
    """


class ArtefactError(UserError):
    """A file or folder is missing, damaged, of another version, or cannot be written."""
