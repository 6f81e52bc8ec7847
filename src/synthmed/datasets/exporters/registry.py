"""The formats that `export` writes: an explicit table of modules that are loaded when asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from synthmed.datasets.exporters.job import Job
from synthmed.errors import SynthmedError

FORMATS = {
    "png": "synthmed.datasets.exporters.png",
    "dicom": "synthmed.datasets.exporters.dicom",
    "nifti": "synthmed.datasets.exporters.nifti",
    "parquet": "synthmed.datasets.exporters.parquet",
    "webdataset": "synthmed.datasets.exporters.webdataset",
    "csv": "synthmed.datasets.exporters.csv_table",
}


@dataclass(frozen=True)
class Format:
    """A format that can be written.

    Attributes:
        name: Its name in `FORMATS`.
        options: The dataclass of its options; it refuses values without a meaning.
        write: Writes all rows of a job.
    """

    name: str
    options: Callable[..., Any]
    write: Callable[[Job, Any], None]

    def read_options(self, given: Mapping[str, Any]) -> Any:
        """Make the options of a format.

        Raises:
            SynthmedError: An option that the format does not have, or a bad value.
        """
        known = list(getattr(self.options, "__dataclass_fields__", {}))
        for name in given:
            if name not in known:
                raise SynthmedError(
                    f"the format {self.name} has no option {name!r}",
                    mend=f"Its options: {', '.join(known) or 'none'}.",
                )
        return self.options(**given)


def load_format(name: str) -> Format:
    """Load the module of a format.

    Raises:
        SynthmedError: No such format, or a library that it needs is not installed.
    """
    if name not in FORMATS:
        raise SynthmedError(f"no format is called {name!r}", mend=f"Known: {', '.join(FORMATS)}.")
    try:
        module = import_module(FORMATS[name])
    except ImportError as error:
        raise SynthmedError(
            f"the format {name} needs a library that is not installed: {error}",
            mend=f"pip install {error.name or 'it'}",
        ) from error
    return Format(name, module.Options, module.write)
