"""How many bytes of files a request may bring: none, until somebody who is known may send some.

Django takes any number of bytes from anybody who posts a form, to a temporary file, before a view
is asked. The first of FILE_UPLOAD_HANDLERS counts here instead, against what `allow` has granted to
the request; what goes beyond is not read, and the view finds `was_refused`.

A body that ends before its Content-Length is a sender who was cut off. Django takes what came for
the whole file; the view finds `was_cut`.
"""

from typing import Any

from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest

_ALLOWED, _REFUSED = "_upload_bytes_allowed", "_upload_was_refused"
_READ = "_upload_bytes_read"


def allow(request: HttpRequest, limit_bytes: int) -> None:
    """Let this request bring files of so many bytes in all."""
    setattr(request, _ALLOWED, limit_bytes)


def was_cut(request: HttpRequest) -> bool:
    """Whether its body, which is read by now, was shorter than it said."""
    read, declared = getattr(request, _READ, (0, 0))
    return bool(read < declared)


def was_refused(request: HttpRequest) -> bool:
    """Whether it brought more than that; then nothing of them is kept."""
    return getattr(request, _REFUSED, False)


class CountedUpload(FileUploadHandler):
    """Counts, and hands every chunk on to the handlers behind it."""

    found = 0

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, Any],  # noqa: N803 - Django's name
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> None:
        """Count the body's bytes too, as Django's parser asks for them; it reads all of a body."""
        read, request = input_data.read, self.request
        setattr(request, _READ, (0, content_length))

        def counted(*args: Any) -> bytes:
            piece: bytes = read(*args)
            setattr(request, _READ, (getattr(request, _READ)[0] + len(piece), content_length))
            return piece

        input_data.read = counted

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Raises StopUpload as soon as there is one byte too many."""
        self.found += len(raw_data)
        if self.found > getattr(self.request, _ALLOWED, 0):
            setattr(self.request, _REFUSED, True)
            raise StopUpload(connection_reset=True)
        return raw_data

    def file_complete(self, file_size: int) -> Any:
        """The file is the next handler's."""
        return None
