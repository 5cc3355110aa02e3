"""`python -m central.export.child`: one file of readings, in a process that can be ended any time.

Its libraries and what they take of memory and processor stay out of the collector. Reads a job and
blocks on standard input, writes the file to standard output; what went wrong is one JSON line on
standard error. Ends when its input does: the collector is gone.
"""

import json
import os
import resource
import signal
import sys
from typing import BinaryIO, Final, Protocol

from central.export.csv_file import CsvFile
from central.export.frames import CutShort, Job, blocks, read_job
from central.export.layout import Block

GENTLY: Final = 10
FAILED: Final = 1
CUT: Final = 2


class File(Protocol):
    """A kind of file."""

    def write(self, block: Block) -> None:
        """Add the rows of a block."""
        ...

    def close(self) -> None:
        """Finish it and hand all of it on."""
        ...


def file_of(job: Job, out: BinaryIO) -> File:
    """Return the job's file. What a format needs is loaded for that format only."""
    if job.format == "xlsx":
        from central.export.xlsx_file import XlsxFile

        return XlsxFile(job, out)
    if job.format == "parquet":
        from central.export.parquet_file import ParquetFile

        return ParquetFile(job, out)
    return CsvFile(job, out)


def main() -> int:
    """Write one file."""
    os.nice(GENTLY)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the collector's to hear
    source, out = sys.stdin.buffer, sys.stdout.buffer
    try:
        job = read_job(source)
        if job.most_bytes:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (job.most_bytes, job.most_bytes))
        file = file_of(job, out)
        for block in blocks(source, job):
            file.write(block)
        file.close()
    except CutShort:
        return _gone(CUT)
    except BrokenPipeError:
        return _gone(CUT)
    except OSError as exc:
        print(json.dumps({"reason": exc.strerror or str(exc)}), file=sys.stderr, flush=True)
        return _gone(FAILED)
    return 0


def _gone(code: int) -> int:
    """Leave without a last word to a pipe nobody reads."""
    os._exit(code)


if __name__ == "__main__":
    raise SystemExit(main())
