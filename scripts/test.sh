#!/usr/bin/env bash
# Runs all tests of a build folder. The last line counts them.
set -uo pipefail
build=$1
ctest --test-dir "$build" --output-on-failure -j "$(nproc)" --output-junit tests.xml
status=$?
python3 - "$build/tests.xml" <<'PYTHON'
import sys
import xml.etree.ElementTree as tree

suite = tree.parse(sys.argv[1]).getroot()
total, failed, skipped = (int(suite.get(key)) for key in ("tests", "failures", "skipped"))
print(f"{total - failed - skipped} passed, {failed} failed, {skipped} skipped")
PYTHON
exit $status
