"""What is set up before the first post."""

import subprocess
import sys

from command import PATIENCE

PROGRAM = """
import re
from syndicator.late_patterns import postpone_patterns
postpone_patterns()
from syndicator.jekyll import sanitize, trial
from syndicator.kramdown.options import KramdownOptions
from syndicator.kramdown.to_html import to_html

print(trial.render_trial())
def fail(pattern, flags=0):
    raise AssertionError(pattern)
re._compiler.compile = fail
html = to_html("# News\\n\\nA *new* [post](https://example.net/), “quoted”.", KramdownOptions())
print(sanitize.clean(html, base="https://example.org/a/").html)
"""


def test_an_ordinary_post_needs_no_regular_expression_that_is_not_compiled() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert '<a href="https://example.com/page/">link</a>' in done.stdout
    assert '<p>A <em>new</em> <a href="https://example.net/">post</a>, “quoted”.</p>' in done.stdout
