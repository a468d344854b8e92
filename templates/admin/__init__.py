"""The admin pages of this app: the matrix of templates, the editor, and two versions compared."""

from templates.admin import pages

__all__ = ["pages"]
