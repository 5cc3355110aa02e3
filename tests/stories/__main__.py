"""`python -m tests.stories`: plays every story and writes its log for a person to approve."""

import tempfile
from pathlib import Path

from tests.stories.test_demo_stories import ALL, LOGS, played


def main() -> None:
    for story in ALL:
        with tempfile.TemporaryDirectory() as folder:
            log = "".join(f"{line}\n" for line in played(story, Path(folder)))
        (LOGS / f"{story}.log").write_text(log, encoding="utf-8")
        print(f"— {story}\n{log}")


if __name__ == "__main__":
    main()
