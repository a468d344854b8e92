"""`python -m jobsite.run`, what `make run` calls."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jobsite.settings")
    from jobsite.running import steps

    try:
        return steps.main()
    except ImproperlyConfigured as error:  # a variable with a value that cannot be used
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
